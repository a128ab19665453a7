package org.e2llm.planner.simulator;

import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Network;
import org.jspecify.annotations.Nullable;

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
    int[] interfaces = {};
    final double[] until = new double[3];
  }

  /** What lies between two devices, and what a transfer occupies on its way. */
  static final class Path {
    private final LinkProfile link;
    private final int[] interfaces;
    private final double[] bytesPerSecond;

    /** So many times its time takes whatever begins now. */
    private double slower = 1;

    // Of a transfer that takes as long as the last one: batches of a replica mostly do.

    private double reckonedFor = Double.NaN;
    private final double[] seconds;
    private double linkSeconds;

    Path(LinkProfile link, int[] interfaces, double[] bytesPerSecond) {
      this.link = link;
      this.interfaces = interfaces;
      this.bytesPerSecond = bytesPerSecond;
      this.seconds = new double[interfaces.length];
    }

    private void reckon(double transferred) {
      double timed = slower * transferred;
      if (timed == reckonedFor) {
        return;
      }
      reckonedFor = timed;
      for (int k = 0; k < seconds.length; k++) {
        seconds[k] = timed / bytesPerSecond[k];
      }
      linkSeconds = timed / link.bytesPerSecond();
    }
  }

  private final Network network;
  private final Interfaces interfaces;
  private final int size;
  private final @Nullable Path[] paths;
  private final double[] hotUntil;
  private final double[] hotSeconds;
  private final double[] bulkUntil;
  private final double[] bulkSeconds;

  Traffic(Network network, Interfaces interfaces) {
    this.network = network;
    this.interfaces = interfaces;
    size = network.size();
    paths = new Path[size * size];
    hotUntil = new double[interfaces.count()];
    hotSeconds = new double[interfaces.count()];
    bulkUntil = new double[interfaces.count()];
    bulkSeconds = new double[interfaces.count()];
  }

  /** All transfers between the two that begin from now on take so many times their time. */
  void slow(int a, int b, double factor) {
    path(a, b).slower = factor;
    path(b, a).slower = factor;
  }

  /** The way from a device to another. */
  Path path(int from, int to) {
    Path found = paths[from * size + to];
    if (found == null) {
      LinkProfile link = network.link(from, to);
      int[] occupied = interfaces.between(from, to);
      double[] speeds = new double[occupied.length];
      for (int k = 0; k < speeds.length; k++) {
        speeds[k] = interfaces.bytesPerSecond(occupied[k], link);
      }
      found = new Path(link, occupied, speeds);
      paths[from * size + to] = found;
    }
    return found;
  }

  /** Sends hidden states; gives when they have arrived. */
  double sendHidden(Path path, double bytes, double now) {
    path.reckon(bytes);
    double start = now;
    for (int i : path.interfaces) {
      start = Math.max(start, hotUntil[i]);
    }
    for (int k = 0; k < path.interfaces.length; k++) {
      int i = path.interfaces[k];
      hotUntil[i] = start + path.seconds[k];
      hotSeconds[i] += path.seconds[k];
    }
    return start + path.linkSeconds + path.link.latencySeconds();
  }

  /** Sends a KV piece; gives when it arrives if no hidden states come in between. */
  double sendKv(Path path, double bytes, double now, Bulk piece) {
    path.reckon(bytes);
    piece.interfaces = path.interfaces;
    double wait = 0;
    for (int i : path.interfaces) {
      wait = Math.max(wait, bulkUntil[i] - free(i, now));
    }
    for (int k = 0; k < path.interfaces.length; k++) {
      int i = path.interfaces[k];
      bulkUntil[i] = free(i, now) + wait + path.seconds[k];
      bulkSeconds[i] += path.seconds[k];
      piece.until[k] = bulkUntil[i];
    }
    return now + wait + path.linkSeconds + path.link.latencySeconds();
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
