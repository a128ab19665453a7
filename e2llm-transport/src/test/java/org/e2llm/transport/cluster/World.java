package org.e2llm.transport.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/**
 * A virtual network of peers: time passes only from event to event, and one seed decides all. Links
 * lose, delay, double and reorder what is sent, connections break or fall silent, dialling works
 * only where both are up and reach each other. Everything a peer's machine says is carried out by
 * {@link SimPeer}.
 */
final class World {
  static final long MS = 1_000_000L;
  static final long SECOND = 1_000 * MS;

  /** As {@code net} does it. */
  private static final long HEARTBEAT = 500 * MS;

  private static final long REFUSED_AFTER = 5 * MS;
  private static final long NO_ANSWER_AFTER = 3 * SECOND;

  private record Event(long time, long number, Runnable what) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      return time != other.time
          ? Long.compare(time, other.time)
          : Long.compare(number, other.number);
    }
  }

  final SplittableRandom random;
  final List<SimPeer> peers = new ArrayList<>();
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final boolean[][] cut;

  /** Whether the first believes to be connected to the second. */
  private final boolean[][] connected;

  double loss;
  double doubled;
  long shortest = MS / 2;
  long longest = 20 * MS;
  long now;
  private long numbers;
  private final boolean trace;
  long messages;
  long digests;

  World(long seed, int size, boolean trace) {
    this.trace = trace;
    random = new SplittableRandom(seed);
    cut = new boolean[size][size];
    connected = new boolean[size][size];
    for (int i = 0; i < size; i++) {
      peers.add(new SimPeer(this, i));
    }
    for (int i = 0; i < size; i++) {
      heartbeats(i);
    }
  }

  // Time.

  void at(long time, Runnable what) {
    events.add(new Event(Math.max(time, now), numbers++, what));
  }

  void in(long delay, Runnable what) {
    at(now + delay, what);
  }

  void runUntil(long time) {
    while (!events.isEmpty() && events.peek().time <= time) {
      Event event = events.remove();
      now = event.time;
      event.what.run();
    }
    now = time;
  }

  long between(long least, long most) {
    return least + (most > least ? random.nextLong(most - least) : 0);
  }

  void trace(Supplier<String> what) {
    if (trace) {
      System.out.println(now / MS + " ms: " + what.get());
    }
  }

  private void heartbeats(int from) {
    at(
        random.nextLong(HEARTBEAT),
        new Runnable() {
          @Override
          public void run() {
            if (peers.get(from).runs()) {
              for (int to = 0; to < peers.size(); to++) {
                int other = to;
                carry(from, to, () -> peers.get(other).heard(from));
              }
            }
            in(HEARTBEAT, this);
          }
        });
  }

  // Links.

  boolean isCut(int a, int b) {
    return cut[a][b];
  }

  void cut(int a, int b, boolean off) {
    cut[a][b] = off;
    cut[b][a] = off;
  }

  boolean connected(int from, int to) {
    return connected[from][to];
  }

  void send(int from, int to, Message message) {
    messages++;
    digests += message instanceof Message.Digest ? 1 : 0;
    carry(from, to, () -> peers.get(to).received(from, message));
  }

  /** Once, later, twice or never. */
  private void carry(int from, int to, Runnable arrival) {
    if (!connected[from][to] || cut[from][to] || random.nextDouble() < loss) {
      return;
    }
    in(between(shortest, longest), arrival);
    if (random.nextDouble() < doubled) {
      in(between(shortest, 4 * longest), arrival);
    }
  }

  void dial(int from, int to) {
    SimPeer caller = peers.get(from);
    int run = caller.run();
    if (cut[from][to] || peers.get(to).isFrozen()) {
      in(NO_ANSWER_AFTER, () -> caller.unreachable(to, run));
    } else if (!peers.get(to).isUp()) {
      in(REFUSED_AFTER, () -> caller.unreachable(to, run));
    } else {
      in(between(2 * shortest, 2 * longest), () -> connect(from, to, run));
    }
  }

  private void connect(int from, int to, int run) {
    SimPeer caller = peers.get(from);
    SimPeer called = peers.get(to);
    if (cut[from][to] || !called.runs() || !caller.runs() || caller.run() != run) {
      caller.unreachable(to, run);
    } else if (!connected[from][to] || !connected[to][from]) {
      connected[from][to] = true;
      connected[to][from] = true;
      called.opened(from);
      caller.opened(to);
    } else {
      caller.opened(to);
    }
  }

  /** One side closes; the other hears of it if anything gets through. */
  void close(int from, int to) {
    if (connected[from][to]) {
      connected[from][to] = false;
      tellClosed(to, from);
    }
  }

  private void tellClosed(int to, int from) {
    if (connected[to][from] && !cut[from][to]) {
      in(
          between(shortest, longest),
          () -> {
            if (connected[to][from] && !connected[from][to]) {
              connected[to][from] = false;
              peers.get(to).closed(from);
            }
          });
    }
  }

  /** The connection breaks for both. */
  void reset(int a, int b) {
    for (int[] side : new int[][] {{a, b}, {b, a}}) {
      if (connected[side[0]][side[1]]) {
        connected[side[0]][side[1]] = false;
        peers.get(side[0]).closed(side[1]);
      }
    }
  }

  /** The process ends; the others' connections break if that gets through. */
  void ended(int peer) {
    for (int other = 0; other < peers.size(); other++) {
      connected[peer][other] = false;
      tellClosed(other, peer);
    }
  }

  /** Those whom links join, by peers that are up. */
  List<Integer> component(int start) {
    List<Integer> found = new ArrayList<>(List.of(start));
    for (int i = 0; i < found.size(); i++) {
      for (int other = 0; other < peers.size(); other++) {
        if (!cut[found.get(i)][other] && peers.get(other).isUp() && !found.contains(other)) {
          found.add(other);
        }
      }
    }
    found.sort(null);
    return found;
  }
}
