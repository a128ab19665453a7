package org.e2llm.transport.discovery;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Merges what several sources (one per local address) see at the moment into candidates, and says
 * what has changed. Pure: no clock, no threads. Bounded, since anybody on the LAN can announce.
 */
final class CandidateBook {
  /** Candidates kept; who comes later waits until one is gone. */
  static final int MOST_CANDIDATES = 256;

  /** Addresses of one candidate; the first in the order of preference are kept. */
  static final int MOST_ADDRESSES = 16;

  enum Kind {
    FOUND,
    UPDATED,
    GONE
  }

  record Change(Kind kind, Candidate candidate) {}

  /** One announcement as one source sees it. */
  record Sighting(String key, List<InetAddress> addresses, int port) {}

  /** IPv4 first: it has no scopes to get wrong; link-local last: good on one link only. */
  private static final Comparator<InetAddress> PREFERENCE =
      Comparator.comparing((InetAddress a) -> a.isLoopbackAddress() ? 0 : 1)
          .thenComparing(a -> a.isLinkLocalAddress() ? 1 : 0)
          .thenComparing(a -> a instanceof Inet4Address ? 0 : 1)
          .thenComparing(InetAddress::getHostAddress);

  private final Map<String, List<Sighting>> bySource = new TreeMap<>();
  private Map<String, Candidate> candidates = new TreeMap<>();

  /** What is known now, by key. */
  List<Candidate> candidates() {
    return new ArrayList<>(candidates.values());
  }

  /** The source now sees these and no others; what follows from that, in the order of keys. */
  List<Change> see(String source, List<Sighting> sightings) {
    if (sightings.isEmpty()) {
      bySource.remove(source);
    } else {
      bySource.put(source, List.copyOf(sightings));
    }
    Map<String, Candidate> before = candidates;
    candidates = merge(before);
    return changes(before, candidates);
  }

  private Map<String, Candidate> merge(Map<String, Candidate> before) {
    Map<String, List<Sighting>> byKey = new TreeMap<>();
    for (List<Sighting> seen : bySource.values()) {
      for (Sighting sighting : seen) {
        if (isUsable(sighting)) {
          byKey.computeIfAbsent(sighting.key(), k -> new ArrayList<>()).add(sighting);
        }
      }
    }
    Map<String, Candidate> merged = new TreeMap<>();
    for (String known : before.keySet()) {
      addTo(merged, known, byKey.remove(known));
    }
    byKey.forEach((key, seen) -> addTo(merged, key, seen));
    return merged;
  }

  private static void addTo(
      Map<String, Candidate> merged, String key, @Nullable List<Sighting> seen) {
    if (seen == null || merged.size() >= MOST_CANDIDATES) {
      return;
    }
    int port = seen.get(0).port();
    Map<String, InetAddress> addresses = new TreeMap<>(); // by text: scopes count
    for (Sighting sighting : seen) {
      for (InetAddress address : sighting.addresses()) {
        if (sighting.port() == port && isUsable(address)) {
          addresses.put(address.getHostAddress(), address);
        }
      }
    }
    List<InetAddress> sorted = new ArrayList<>(addresses.values());
    sorted.sort(PREFERENCE);
    merged.put(
        key, new Candidate(key, sorted.subList(0, Math.min(MOST_ADDRESSES, sorted.size())), port));
  }

  private static boolean isUsable(Sighting sighting) {
    if (sighting.port() < 1 || sighting.port() > 65535) {
      return false;
    }
    return sighting.addresses().stream().anyMatch(CandidateBook::isUsable);
  }

  private static boolean isUsable(InetAddress address) {
    return !address.isAnyLocalAddress() && !address.isMulticastAddress();
  }

  private static List<Change> changes(Map<String, Candidate> before, Map<String, Candidate> after) {
    List<Change> changes = new ArrayList<>();
    before.forEach(
        (key, candidate) -> {
          if (!after.containsKey(key)) {
            changes.add(new Change(Kind.GONE, candidate));
          }
        });
    after.forEach(
        (key, candidate) -> {
          Candidate old = before.get(key);
          if (old == null) {
            changes.add(new Change(Kind.FOUND, candidate));
          } else if (!old.equals(candidate)) {
            changes.add(new Change(Kind.UPDATED, candidate));
          }
        });
    return changes;
  }
}
