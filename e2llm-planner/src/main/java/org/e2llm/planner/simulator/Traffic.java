package org.e2llm.planner.simulator;

import java.util.Arrays;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Network;

/**
 * The network as queues. Hidden states go first (the hot connection of a pair), KV pieces use what
 * they leave (the bulk connection); among themselves, each goes first come, first served, on every
 * interface and medium it occupies at the same time.
 *
 * <p>KV is reckoned in time that hidden states leave free on an interface: {@code free(t) = t −
 * seconds taken by hidden states so far}. So a piece is put off by every hidden state that comes in
 * between, and those queued behind it with it, without rescheduling anything.
 */
final class Traffic {
  /** A KV piece on its way. */
  static final class Bulk {
    int[] interfaces = new int[0];
    final double[] until = new double[3];
  }

  private final Network network;
  private final Interfaces interfaces;
  private final int[][] between;
  private final double[] slowness;
  private final double[] hotUntil;
  private final double[] hotSeconds;
  private final double[] bulkUntil;
  private final double[] bulkSeconds;

  Traffic(Network network, Interfaces interfaces) {
    this.network = network;
    this.interfaces = interfaces;
    int n = network.size();
    between = new int[n * n][];
    slowness = new double[n * n];
    Arrays.fill(slowness, 1);
    hotUntil = new double[interfaces.count()];
    hotSeconds = new double[interfaces.count()];
    bulkUntil = new double[interfaces.count()];
    bulkSeconds = new double[interfaces.count()];
  }

  /** All transfers between the two that begin from now on take so many times their time. */
  void slow(int a, int b, double factor) {
    slowness[a * network.size() + b] = factor;
    slowness[b * network.size() + a] = factor;
  }

  private int[] between(int from, int to) {
    int pair = from * network.size() + to;
    int[] found = between[pair];
    if (found == null) {
      found = interfaces.between(from, to);
      between[pair] = found;
    }
    return found;
  }

  /** Sends hidden states; gives when they have arrived. */
  double sendHidden(int from, int to, double bytes, double now) {
    LinkProfile link = network.link(from, to);
    double slower = slowness[from * network.size() + to];
    int[] occupied = between(from, to);
    double start = now;
    for (int i : occupied) {
      start = Math.max(start, hotUntil[i]);
    }
    for (int i : occupied) {
      double seconds = slower * bytes / interfaces.bytesPerSecond(i, link);
      hotUntil[i] = start + seconds;
      hotSeconds[i] += seconds;
    }
    return start + slower * bytes / link.bytesPerSecond() + link.latencySeconds();
  }

  /** Sends a KV piece; gives when it arrives if no hidden states come in between. */
  double sendKv(int from, int to, double bytes, double now, Bulk piece) {
    LinkProfile link = network.link(from, to);
    double slower = slowness[from * network.size() + to];
    piece.interfaces = between(from, to);
    double wait = 0;
    for (int i : piece.interfaces) {
      wait = Math.max(wait, bulkUntil[i] - free(i, now));
    }
    for (int k = 0; k < piece.interfaces.length; k++) {
      int i = piece.interfaces[k];
      double seconds = slower * bytes / interfaces.bytesPerSecond(i, link);
      bulkUntil[i] = free(i, now) + wait + seconds;
      bulkSeconds[i] += seconds;
      piece.until[k] = bulkUntil[i];
    }
    return now + wait + slower * bytes / link.bytesPerSecond() + link.latencySeconds();
  }

  /** By how much a piece that should have arrived now was put off by hidden states. */
  double lateSeconds(Bulk piece, double now) {
    double late = 0;
    for (int k = 0; k < piece.interfaces.length; k++) {
      late = Math.max(late, piece.until[k] - free(piece.interfaces[k], now));
    }
    return late < 1e-9 ? 0 : late;
  }

  private double free(int i, double now) {
    return now - hotSeconds[i];
  }

  /** Seconds for which the busiest interface or medium was in use. */
  double mostBusySeconds() {
    double most = 0;
    for (int i = 0; i < hotSeconds.length; i++) {
      most = Math.max(most, hotSeconds[i] + bulkSeconds[i]);
    }
    return most;
  }
}
