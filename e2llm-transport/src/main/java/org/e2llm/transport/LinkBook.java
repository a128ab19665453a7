package org.e2llm.transport;

import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import org.e2llm.InvalidRequestException;
import org.e2llm.transport.net.ConnectionStats;
import org.e2llm.transport.net.LinkEstimate;
import org.jspecify.annotations.Nullable;

/**
 * What the links of this device carry, as measured on them: short probes when a connection is new
 * and idle, later what traffic shows. Of two peers the one with the lower id probes, so that they
 * do not measure against each other, and one link at a time. A probe is repeated as long as it
 * finds more than the one before: where JVMs are fresh, the first one measures how long they take
 * to compile their cipher.
 *
 * <p>What is told to others stays as it is until a link has differed from it by more than a quarter
 * for some seconds: plans follow what lasts. Pure; all times are nanoseconds of one clock.
 */
final class LinkBook {
  /**
   * What a link was found to do.
   *
   * @param bytesPerSecond of payload, one way
   * @param latencySeconds one way
   */
  record Figures(double bytesPerSecond, double latencySeconds) {
    Figures {
      // Also what others tell of their links comes through here.
      within("bytes per second of a link", bytesPerSecond, 1, 1e13);
      within("latency of a link", latencySeconds, 0, 60);
    }

    private static void within(String what, double value, double least, double most) {
      if (!(value >= least && value <= most)) {
        throw new InvalidRequestException(
            what + " is " + value + ", expected is a number from " + least + " to " + most);
      }
    }
  }

  /** A difference that plans should know of. */
  static final double MOVED = 0.25;

  /** Below this no plan depends on a latency. */
  private static final double SMALL_LATENCY = 0.1e-3;

  private static final long SECOND = 1_000_000_000L;
  private static final long LASTING = 5 * SECOND;
  private static final long REST = 30 * SECOND;
  private static final long LONGEST_REST = 20 * REST;
  private static final long LOOK = SECOND / 2;
  private static final int MOST_PROBES = 8;

  /** What a connection says of its rate so soon after a probe is the probe's. */
  private static final long SETTLE = 2 * SECOND;

  /** Heartbeats and news of the cluster are less. */
  private static final long IDLE_BYTES = 64 << 10;

  private static final class Line {
    @Nullable Figures measured;
    @Nullable Figures told;
    double probed;
    double carried;

    /** What the connection's own rate was when the last probe was over: that is the probe's. */
    double ownRate;

    long probedAt = Long.MIN_VALUE;
    double latency;
    boolean wanted = true;
    int probes;
    boolean idle;
    long probeAt = Long.MIN_VALUE;
    long rest = REST;
    long movedSince = Long.MAX_VALUE;
    long lookedAt = Long.MIN_VALUE;
    long bytes;
  }

  private final String self;
  private final TreeMap<String, Line> lines = new TreeMap<>();
  private boolean probing;
  private @Nullable Map<String, Figures> news;

  LinkBook(String self) {
    this.self = self;
  }

  /** A connection to the peer is new: what is known of the link may be wrong. */
  void opened(String peer) {
    Line line = lines.get(peer);
    if (line != null) {
      line.wanted = true;
      line.probes = 0;
      line.probed = 0;
      line.carried = 0;
      line.ownRate = 0;
      line.probedAt = Long.MIN_VALUE;
      line.probeAt = Long.MIN_VALUE;
      line.rest = REST;
      line.bytes = 0;
      line.lookedAt = Long.MIN_VALUE;
      line.idle = false;
    }
  }

  /** What the connection to the peer has moved so far. */
  void observe(String peer, ConnectionStats stats, long now) {
    Line line = lines.computeIfAbsent(peer, id -> new Line());
    long bytes = stats.bytesSent() + stats.bytesReceived();
    if (line.lookedAt == Long.MIN_VALUE || now - line.lookedAt >= LOOK) {
      boolean looked = line.lookedAt != Long.MIN_VALUE;
      line.idle = looked && bytes - line.bytes < IDLE_BYTES;
      line.bytes = bytes;
      line.lookedAt = now;
    }
    boolean settles = line.probedAt != Long.MIN_VALUE && now - line.probedAt < SETTLE;
    if (settles) {
      line.ownRate = stats.bytesPerSecond();
    }
    line.carried = stats.bytesPerSecond() == line.ownRate ? 0 : stats.bytesPerSecond();
    line.latency = stats.minRttNanos() / 2e9;
    update(line, now);
  }

  /**
   * The peer whose link is to be probed now, or null. {@link #probed} or {@link #failed} must
   * follow.
   *
   * @param peers those whose links plans may use
   */
  @Nullable String probe(Collection<String> peers, long now) {
    if (probing) {
      return null;
    }
    for (String peer : peers) {
      Line line = lines.get(peer);
      if (line != null
          && self.compareTo(peer) < 0
          && line.wanted
          && line.idle
          && now >= line.probeAt) {
        probing = true;
        return peer;
      }
    }
    return null;
  }

  /** The probe's result. */
  void probed(String peer, LinkEstimate estimate, long now) {
    probing = false;
    Line line = lines.get(peer);
    if (line != null) {
      boolean more = estimate.bytesPerSecond() > line.probed * (1 + MOVED);
      line.wanted = more && ++line.probes < MOST_PROBES;
      line.probed = Math.max(line.probed, estimate.bytesPerSecond());
      line.latency = line.latency == 0 ? estimate.latencySeconds() : line.latency;
      line.idle = false; // so that the next one keeps some distance
      line.probedAt = now;
      if (!line.wanted) {
        update(line, now);
      }
    }
  }

  /** The probe failed: it is tried again some time later, then after pauses that double. */
  void failed(String peer, long now) {
    probing = false;
    Line line = lines.get(peer);
    if (line != null) {
      line.probeAt = now + line.rest;
      line.rest = Math.min(2 * line.rest, LONGEST_REST);
    }
  }

  private void update(Line line, long now) {
    boolean probes = probing || (line.wanted && line.probes > 0);
    double rate = line.carried > 0 && !probes ? line.carried : line.wanted ? 0 : line.probed;
    if (rate < 1) {
      return;
    }
    line.measured = new Figures(Math.min(rate, 1e13), Math.min(line.latency, 60));
    if (line.told == null) {
      tell(line);
    } else if (!moved(line.told, line.measured)) {
      line.movedSince = Long.MAX_VALUE;
    } else if (line.movedSince == Long.MAX_VALUE) {
      line.movedSince = now;
    } else if (now - line.movedSince >= LASTING) {
      tell(line);
    }
  }

  private void tell(Line line) {
    line.told = line.measured;
    line.movedSince = Long.MAX_VALUE;
    Map<String, Figures> all = new TreeMap<>();
    lines.forEach(
        (peer, each) -> {
          if (each.told != null) {
            all.put(peer, each.told);
          }
        });
    news = all;
  }

  private static boolean moved(Figures told, Figures now) {
    return differ(told.bytesPerSecond(), now.bytesPerSecond(), 0)
        || differ(told.latencySeconds(), now.latencySeconds(), SMALL_LATENCY);
  }

  private static boolean differ(double a, double b, double small) {
    double difference = Math.abs(a - b);
    return difference > MOVED * Math.min(a, b) && difference > small;
  }

  /** What is to be told of all links from now on, or null if nothing has changed. */
  @Nullable Map<String, Figures> takeNews() {
    Map<String, Figures> taken = news;
    news = null;
    return taken;
  }

  /** What is known of the link to the peer now, or null. */
  @Nullable Figures measured(String peer) {
    Line line = lines.get(peer);
    return line == null ? null : line.measured;
  }

  /** Forgets all but these. */
  void retain(Collection<String> peers) {
    lines.keySet().retainAll(peers);
  }
}
