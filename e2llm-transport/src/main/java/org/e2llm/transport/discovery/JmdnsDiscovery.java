package org.e2llm.transport.discovery;

import java.net.InetAddress;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.transport.discovery.CandidateBook.Change;
import org.e2llm.transport.discovery.CandidateBook.Sighting;
import org.jspecify.annotations.Nullable;

/**
 * Multicast DNS (RFC 6762, 6763) by jmDNS: one {@link JmdnsLink} for every usable local address,
 * IPv4 and IPv6, opened and closed as interfaces come and go. A host without multicast is no error:
 * {@link #interfaces} says what is missing.
 *
 * <p>Safe for use by several threads; starts daemon threads only.
 */
public final class JmdnsDiscovery implements Discovery {
  private static final Logger LOG = Logger.getLogger(JmdnsDiscovery.class.getName());
  private static final long LOOK_AT_INTERFACES_MILLIS = 3_000;

  /** A link that failed is tried again after so many looks at the interfaces. */
  private static final int REST_LOOKS = 10;

  private static final int MOST_STRANGERS = 64;

  private final Supplier<List<LanInterface>> interfaces;
  private final String key = String.format("%016x", new SecureRandom().nextLong());
  private final CandidateBook book = new CandidateBook();
  private final Map<String, JmdnsLink> links = new HashMap<>();
  private final List<JmdnsLink> ending = new ArrayList<>();
  private final JmdnsLink.Owner owner =
      new JmdnsLink.Owner() {
        @Override
        public void sees(JmdnsLink link, List<Sighting> sightings) {
          JmdnsDiscovery.this.sees(link, sightings);
        }

        @Override
        public void stranger(JmdnsLink link, Sighting sighting) {
          JmdnsDiscovery.this.stranger(link, sighting);
        }

        @Override
        public void failed(JmdnsLink link, String reason) {
          JmdnsDiscovery.this.failed(link, reason);
        }
      };
  private final Map<String, Failure> failures = new HashMap<>();

  /** Keys of those that were told of; anybody can announce, so it is bounded. */
  private final Set<String> strangers = new HashSet<>();

  private List<InterfaceReport> chosen = List.of();
  private int opened;
  private @Nullable Advertisement advertisement;
  private @Nullable DiscoveryListener listener;
  private boolean closed;

  /**
   * Why a link is not there, and how many looks later it is tried again: at the next one first,
   * because a new IPv6 address cannot be used before the system has found that nobody else has it.
   */
  private static final class Failure {
    final String reason;
    final int times;
    int rest;

    Failure(String reason, int times) {
      this.reason = reason;
      this.times = times;
      this.rest = Math.min(REST_LOOKS, 1 << Math.min(times - 1, 16));
    }
  }

  /** On all interfaces of this host that lead to a LAN. */
  public JmdnsDiscovery() {
    this(LanInterface::all);
  }

  /**
   * On chosen interfaces.
   *
   * @param interfaces asked every few seconds, on a thread of the discovery
   */
  public JmdnsDiscovery(Supplier<List<LanInterface>> interfaces) {
    this.interfaces = interfaces;
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException if it was started or closed before
   */
  @Override
  public void start(Advertisement newAdvertisement, DiscoveryListener newListener) {
    synchronized (this) {
      if (advertisement != null || closed) {
        throw new IllegalStateException("a discovery starts once");
      }
      advertisement = newAdvertisement;
      listener = newListener;
    }
    Thread watch = new Thread(this::watchInterfaces, "e2llm-discovery");
    watch.setDaemon(true);
    watch.start();
  }

  @Override
  public List<InterfaceReport> interfaces() {
    List<InterfaceReport> now = InterfaceReport.choose(interfaces.get());
    synchronized (this) {
      List<InterfaceReport> reports = new ArrayList<>();
      for (InterfaceReport report : now) {
        reports.add(withFailures(report));
      }
      return reports;
    }
  }

  private InterfaceReport withFailures(InterfaceReport report) {
    List<InetAddress> used = new ArrayList<>();
    List<String> reasons = new ArrayList<>();
    for (InetAddress address : report.used()) {
      Failure failure = failures.get(JmdnsLink.id(address));
      if (failure == null || links.containsKey(JmdnsLink.id(address))) {
        used.add(address);
      } else {
        reasons.add(failure.reason);
      }
    }
    String reason = reasons.isEmpty() ? report.reason() : String.join("; ", reasons);
    return new InterfaceReport(report.lanInterface(), used, reason);
  }

  private void watchInterfaces() {
    while (true) {
      List<InterfaceReport> now = InterfaceReport.choose(interfaces.get());
      synchronized (this) {
        if (closed) {
          return;
        }
        follow(now);
        try {
          wait(LOOK_AT_INTERFACES_MILLIS);
        } catch (InterruptedException e) {
          return; // a thread of ours, which nobody interrupts
        }
      }
    }
  }

  /** Closes links whose address is gone, and opens those that are new. */
  private void follow(List<InterfaceReport> now) {
    if (!now.equals(chosen)) {
      chosen = now;
      LOG.log(Level.CONFIG, "looking for peers on {0}", now);
    }
    Set<String> wanted = new HashSet<>();
    for (InterfaceReport report : now) {
      for (InetAddress address : report.used()) {
        wanted.add(JmdnsLink.id(address));
      }
    }
    for (Iterator<JmdnsLink> i = links.values().iterator(); i.hasNext(); ) {
      JmdnsLink link = i.next();
      if (!wanted.contains(link.id())) {
        i.remove();
        end(link);
      }
    }
    failures.keySet().retainAll(wanted);
    failures.values().forEach(failure -> failure.rest--);
    for (InterfaceReport report : now) {
      for (InetAddress address : report.used()) {
        String id = JmdnsLink.id(address);
        Failure failure = failures.get(id);
        if (!links.containsKey(id) && (failure == null || failure.rest <= 0)) {
          open(report.lanInterface(), address);
        }
      }
    }
  }

  private void open(LanInterface lan, InetAddress address) {
    Advertisement announced = advertisement;
    if (announced != null) {
      String instance = key + "-" + ++opened;
      JmdnsLink link = new JmdnsLink(lan, address, key, instance, announced, owner);
      links.put(link.id(), link);
      link.start();
    }
  }

  private void end(JmdnsLink link) {
    link.close();
    ending.removeIf(JmdnsLink::hasEnded);
    ending.add(link);
    report(book.see(link.id(), List.of()));
  }

  private synchronized void sees(JmdnsLink link, List<Sighting> sightings) {
    if (!closed && links.get(link.id()) == link) {
      report(book.see(link.id(), sightings));
    }
  }

  private synchronized void stranger(JmdnsLink link, Sighting sighting) {
    DiscoveryListener told = listener;
    if (closed
        || told == null
        || links.get(link.id()) != link
        || strangers.size() >= MOST_STRANGERS
        || !strangers.add(sighting.key())) {
      return;
    }
    try {
      told.stranger(new Candidate(sighting.key(), sighting.addresses(), sighting.port()));
    } catch (RuntimeException e) {
      LOG.log(Level.WARNING, "a listener of the discovery has failed", e);
    }
  }

  private synchronized void failed(JmdnsLink link, String reason) {
    if (links.remove(link.id(), link)) {
      Failure before = failures.get(link.id());
      failures.put(link.id(), new Failure(reason, before == null ? 1 : before.times + 1));
      report(book.see(link.id(), List.of()));
    }
  }

  private void report(List<Change> changes) {
    DiscoveryListener told = listener;
    for (Change change : changes) {
      LOG.log(Level.FINE, "{0} {1}", new Object[] {change.kind(), change.candidate()});
      if (told == null || closed) {
        continue;
      }
      try {
        switch (change.kind()) {
          case FOUND -> told.found(change.candidate());
          case UPDATED -> told.updated(change.candidate());
          case GONE -> told.gone(change.candidate());
        }
      } catch (RuntimeException e) {
        LOG.log(Level.WARNING, "a listener of the discovery has failed", e);
      }
    }
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    notifyAll();
    for (JmdnsLink link : links.values()) {
      link.close();
      ending.add(link);
    }
    links.clear();
  }

  @Override
  public boolean awaitClosed(long millis) throws InterruptedException {
    List<JmdnsLink> all;
    synchronized (this) {
      all = new ArrayList<>(ending);
    }
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    for (JmdnsLink link : all) {
      link.awaitEnd(TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime()));
    }
    return all.stream().allMatch(JmdnsLink::hasEnded);
  }
}
