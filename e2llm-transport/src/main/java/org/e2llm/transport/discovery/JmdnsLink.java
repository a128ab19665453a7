package org.e2llm.transport.discovery;

import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.jmdns.ServiceInfo;
import javax.jmdns.impl.DNSCache;
import javax.jmdns.impl.DNSEntry;
import javax.jmdns.impl.DNSRecord;
import javax.jmdns.impl.JmDNSImpl;
import javax.jmdns.impl.constants.DNSRecordClass;
import javax.jmdns.impl.constants.DNSRecordType;
import org.e2llm.transport.discovery.CandidateBook.Sighting;
import org.jspecify.annotations.Nullable;

/**
 * Multicast DNS on one local address, on a daemon thread of its own: opening may ask the network
 * and closing takes seconds (goodbyes are said several times), so neither is the caller's business.
 *
 * <p>Asks once more after 2, 4, 8 ... seconds and then every minute (RFC 6762, 5.2): on Wi-Fi,
 * multicast is not repeated by the radio, and any packet may be the lost one.
 */
final class JmdnsLink implements Runnable {
  /** Hears what this link sees. */
  interface Owner {
    /** On the link's thread. */
    void sees(JmdnsLink link, List<Sighting> sightings);

    /** Somebody else's announcement, again and again. On the link's thread. */
    void stranger(JmdnsLink link, Sighting sighting);

    /** The link has ended by itself; nothing follows. */
    void failed(JmdnsLink link, String reason);
  }

  private static final Logger LOG = Logger.getLogger(JmdnsLink.class.getName());
  private static final long LOOK_MILLIS = 250;
  private static final long FIRST_PAUSE_MILLIS = 2_000;
  private static final long MOST_PAUSE_MILLIS = 60_000;

  /** jmDNS mends a broken socket by itself; if it is still down after so long, we start anew. */
  private static final long MENDING_MILLIS = 15_000;

  /** Pointers looked at: what else is in the cache was put there by somebody who floods the LAN. */
  private static final int MOST_POINTERS = 1024;

  private static final Pattern INSTANCE = Pattern.compile("([0-9a-f]{16})(?:[^0-9a-f].*)?");

  private final LanInterface lan;
  private final InetAddress address;
  private final String instance;
  private final String ownKey;
  private final Advertisement advertisement;
  private final Owner owner;
  private final Thread thread;
  private boolean closed;

  /**
   * @param instance name on this link, begins with {@code ownKey}
   */
  JmdnsLink(
      LanInterface lan,
      InetAddress address,
      String ownKey,
      String instance,
      Advertisement advertisement,
      Owner owner) {
    this.lan = lan;
    this.address = address;
    this.ownKey = ownKey;
    this.instance = instance;
    this.advertisement = advertisement;
    this.owner = owner;
    thread = new Thread(this, "e2llm-mdns-" + lan.name());
    thread.setDaemon(true);
  }

  /** Tells local addresses apart, also those that differ in their scope only. */
  static String id(InetAddress address) {
    return address.getHostAddress();
  }

  String id() {
    return id(address);
  }

  void start() {
    thread.start();
  }

  /** Ends it in the background; nothing is heard of it any more. */
  synchronized void close() {
    closed = true;
    notifyAll();
  }

  /** Waits until its goodbyes are said and its socket is closed. */
  void awaitEnd(long millis) throws InterruptedException {
    thread.join(Math.max(1, millis));
  }

  boolean hasEnded() {
    return !thread.isAlive();
  }

  @Override
  public void run() {
    JmDNSImpl jmdns;
    try {
      jmdns = QuietJmdns.open(address, instance);
    } catch (IOException | RuntimeException e) {
      fail("cannot listen on " + address.getHostAddress() + ": " + e);
      return;
    }
    try {
      if (advertisement.port() > 0) {
        Map<String, String> text = Map.of(Discovery.TAG_ATTRIBUTE, advertisement.tag());
        jmdns.registerService(
            ServiceInfo.create(Discovery.SERVICE_TYPE, instance, advertisement.port(), 0, 0, text));
      }
      look(jmdns);
    } catch (IOException | RuntimeException e) {
      fail("multicast DNS on " + address.getHostAddress() + " has failed: " + e);
    } finally {
      jmdns.close();
    }
  }

  private void look(JmDNSImpl jmdns) {
    long pause = FIRST_PAUSE_MILLIS;
    long untilQuestion = 0;
    long down = 0;
    while (pause(LOOK_MILLIS)) {
      untilQuestion -= LOOK_MILLIS;
      if (untilQuestion <= 0) {
        jmdns.startServiceResolver(Discovery.SERVICE_TYPE);
        untilQuestion = pause;
        pause = Math.min(MOST_PAUSE_MILLIS, 2 * pause);
      }
      down = jmdns.isCanceling() || jmdns.isCanceled() ? down + LOOK_MILLIS : 0;
      if (down > MENDING_MILLIS) {
        fail("multicast on " + address.getHostAddress() + " has broken down");
        return;
      }
      jmdns.cleanCache();
      owner.sees(this, sightings(jmdns.getCache()));
    }
  }

  /** False once closed. */
  private synchronized boolean pause(long millis) {
    try {
      if (!closed) {
        wait(millis);
      }
    } catch (InterruptedException e) {
      closed = true; // nobody but the JVM's end would
    }
    return !closed;
  }

  private void fail(String reason) {
    LOG.log(Level.FINE, "{0}: {1}", new Object[] {lan.name(), reason});
    owner.failed(this, reason);
  }

  private List<Sighting> sightings(DNSCache cache) {
    List<Sighting> sightings = new ArrayList<>();
    int looked = 0;
    for (DNSEntry entry : entries(cache, Discovery.SERVICE_TYPE, DNSRecordType.TYPE_PTR)) {
      if (entry instanceof DNSRecord.Pointer && looked++ < MOST_POINTERS) {
        Sighting sighting = sighting(cache, ((DNSRecord.Pointer) entry).getAlias());
        if (sighting != null) {
          sightings.add(sighting);
        }
      }
    }
    return sightings;
  }

  /** What the records of one instance say together; null if it is none of ours, or incomplete. */
  private @Nullable Sighting sighting(DNSCache cache, String name) {
    Matcher matcher = INSTANCE.matcher(name);
    if (!matcher.matches() || String.valueOf(matcher.group(1)).equals(ownKey)) {
      return null;
    }
    ServiceInfo text = info(cache, name, DNSRecordType.TYPE_TXT);
    ServiceInfo service = info(cache, name, DNSRecordType.TYPE_SRV);
    if (text == null || service == null) {
      return null;
    }
    List<InetAddress> addresses = new ArrayList<>();
    addAddresses(cache, service.getServer(), DNSRecordType.TYPE_A, addresses);
    addAddresses(cache, service.getServer(), DNSRecordType.TYPE_AAAA, addresses);
    if (addresses.isEmpty()) {
      return null;
    }
    Sighting sighting =
        new Sighting(String.valueOf(matcher.group(1)), addresses, service.getPort());
    if (!advertisement.tag().equals(text.getPropertyString(Discovery.TAG_ATTRIBUTE))) {
      owner.stranger(this, sighting);
      return null;
    }
    return sighting;
  }

  /**
   * Loopback addresses count on loopback only: elsewhere they would point at ourselves. Link-local
   * ones get the scope the packet came from, since sockets of one port may hear all interfaces.
   */
  private void addAddresses(
      DNSCache cache, String server, DNSRecordType type, List<InetAddress> addresses) {
    for (DNSEntry entry : entries(cache, server, type)) {
      if (entry instanceof DNSRecord && !((DNSRecord) entry).isExpired(now())) {
        for (InetAddress found : ((DNSRecord) entry).getServiceInfo().getInetAddresses()) {
          if (found.isLoopbackAddress() == lan.loopback()) {
            addresses.add(lan.scoped(found, ((DNSRecord) entry).getRecordSource()));
          }
        }
      }
    }
  }

  private static @Nullable ServiceInfo info(DNSCache cache, String name, DNSRecordType type) {
    for (DNSEntry entry : entries(cache, name, type)) {
      if (entry instanceof DNSRecord && !((DNSRecord) entry).isExpired(now())) {
        return ((DNSRecord) entry).getServiceInfo();
      }
    }
    return null;
  }

  private static List<DNSEntry> entries(DNSCache cache, String name, DNSRecordType type) {
    if (name.isEmpty()) {
      return Collections.emptyList();
    }
    return new ArrayList<>(cache.getDNSEntryList(name, type, DNSRecordClass.CLASS_ANY));
  }

  /** The clock that jmDNS dates its records by. */
  private static long now() {
    return System.currentTimeMillis();
  }
}
