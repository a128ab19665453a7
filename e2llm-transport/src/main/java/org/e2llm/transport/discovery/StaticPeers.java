package org.e2llm.transport.discovery;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Peers given by the app: looks them up, has them dialled, and tries again with growing pauses for
 * as long as they are not connected. Whoever dials reports back with {@link #connected} and {@link
 * #failed}; a try of which nothing is heard counts as failed.
 *
 * <p>Safe for use by several threads; starts daemon threads, which look up names (that may block).
 */
public final class StaticPeers implements AutoCloseable {
  /** Connects; on a thread of {@link StaticPeers}. */
  public interface Dialer {
    /**
     * Begins to connect to one of the addresses and returns soon.
     *
     * @param addresses in the order to try, resolved
     */
    void dial(StaticPeer peer, List<InetSocketAddress> addresses);
  }

  /** How long to wait between tries, and for a try. Nanoseconds, above 0. */
  public record Pace(long firstPauseNanos, long mostPauseNanos, long tryNanos) {
    /** Half a second to half a minute; a try takes at most 10 s. */
    public static final Pace DEFAULT = new Pace(500_000_000L, 30_000_000_000L, 10_000_000_000L);
  }

  /**
   * How it stands with one of them.
   *
   * @param connected whether it is connected now
   * @param tries that have failed since it was connected last, or since the start
   * @param problem why the last try failed; null if none has since it was connected last
   */
  public record Status(
      StaticPeer peer, boolean connected, int tries, @Nullable Unreachable problem) {}

  private static final Logger LOG = Logger.getLogger(StaticPeers.class.getName());
  private static final int MOST_LOOKUPS = 8;

  private final Dialer dialer;
  private final Pace pace;
  private final Map<StaticPeer, Entry> entries = new LinkedHashMap<>();
  private final ScheduledThreadPoolExecutor threads;

  private static final class Entry {
    final StaticPeer peer;
    final RetrySchedule schedule;
    boolean connected;

    /** Counts attempts, so that what comes late for an old one is told apart. */
    int attempt;

    boolean trying;
    int failures;
    @Nullable Unreachable problem;
    @Nullable Future<?> next;

    Entry(StaticPeer peer, RetrySchedule schedule) {
      this.peer = peer;
      this.schedule = schedule;
    }
  }

  /**
   * Begins to try all of them at once.
   *
   * @param seed for the pauses: different on every device
   */
  public StaticPeers(List<StaticPeer> peers, Dialer dialer, Pace pace, long seed) {
    this.dialer = dialer;
    this.pace = pace;
    for (StaticPeer peer : peers) {
      long mixed = seed * 31 + peer.hashCode();
      entries.put(
          peer,
          new Entry(peer, new RetrySchedule(pace.firstPauseNanos(), pace.mostPauseNanos(), mixed)));
    }
    int count = Math.max(1, Math.min(MOST_LOOKUPS, entries.size()));
    threads =
        new ScheduledThreadPoolExecutor(
            count,
            task -> {
              Thread thread = new Thread(task, "e2llm-static-peers");
              thread.setDaemon(true);
              return thread;
            });
    threads.setRemoveOnCancelPolicy(true);
    synchronized (this) {
      entries.values().forEach(entry -> tryAfter(entry, 0));
    }
  }

  /** The peer is connected, whoever began; it is left alone until {@link #failed}. */
  public synchronized void connected(StaticPeer peer) {
    Entry entry = entries.get(peer);
    if (entry != null && !threads.isShutdown()) {
      entry.schedule.succeeded();
      entry.connected = true;
      entry.trying = false;
      entry.failures = 0;
      entry.problem = null;
      cancelNext(entry);
    }
  }

  /** The try has failed, or the connection was lost: it is tried again after a pause. */
  public synchronized void failed(StaticPeer peer, Unreachable problem) {
    Entry entry = entries.get(peer);
    if (entry != null && (entry.trying || entry.connected)) {
      note(entry, problem);
    }
  }

  /** All of them, in the order given. */
  public synchronized List<Status> status() {
    List<Status> all = new ArrayList<>();
    for (Entry entry : entries.values()) {
      all.add(new Status(entry.peer, entry.connected, entry.failures, entry.problem));
    }
    return all;
  }

  /** Tries no more; what is connected stays so. */
  @Override
  public synchronized void close() {
    threads.shutdownNow();
  }

  private void tryAfter(Entry entry, long nanos) {
    cancelNext(entry);
    if (!threads.isShutdown()) {
      entry.next = threads.schedule(() -> attempt(entry), nanos, TimeUnit.NANOSECONDS);
    }
  }

  private static void cancelNext(Entry entry) {
    Future<?> next = entry.next;
    if (next != null) {
      next.cancel(false);
      entry.next = null;
    }
  }

  private void attempt(Entry entry) {
    int attempt;
    synchronized (this) {
      if (entry.connected || threads.isShutdown()) {
        return;
      }
      entry.trying = true;
      attempt = ++entry.attempt;
    }
    try {
      List<InetSocketAddress> addresses = new ArrayList<>();
      for (InetAddress address : InetAddress.getAllByName(entry.peer.host())) {
        addresses.add(new InetSocketAddress(address, entry.peer.port()));
      }
      synchronized (this) {
        if (entry.attempt != attempt || !entry.trying || threads.isShutdown()) {
          return;
        }
        entry.next =
            threads.schedule(() -> overdue(entry, attempt), pace.tryNanos(), TimeUnit.NANOSECONDS);
      }
      dialer.dial(entry.peer, addresses);
    } catch (UnknownHostException | RuntimeException e) {
      failed(entry.peer, Unreachable.because(e));
    }
  }

  private synchronized void overdue(Entry entry, int attempt) {
    if (entry.trying && entry.attempt == attempt) {
      note(entry, Unreachable.timeout("no answer within " + pace.tryNanos() / 1_000_000 + " ms"));
    }
  }

  private void note(Entry entry, Unreachable problem) {
    Unreachable before = entry.problem;
    entry.connected = false;
    entry.trying = false;
    entry.failures++;
    entry.problem = problem;
    if (!problem.equals(before)) {
      LOG.log(Level.CONFIG, "peer {0}: {1}", new Object[] {entry.peer, problem.text()});
    }
    tryAfter(entry, entry.schedule.failed());
  }
}
