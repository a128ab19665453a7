package org.e2llm.planner.simulator;

import java.util.Arrays;
import java.util.Comparator;

/**
 * How many jobs a machine can at most do in time: jobs come at their times, may be interrupted and
 * done in part, and a part counts as such a part of a job.
 *
 * <p>Then what can be done is exactly what leaves enough time in every interval [u, v] for all work
 * that comes from u on and is due until v. The sets of such work are those of a polymatroid (they
 * are flows from jobs to moments), in which the greedy choice is the best: the shortest job first,
 * as much of it as the others leave room for. Jobs that cannot be interrupted, or be shared by
 * machines, do no better; so it is an upper bound for them.
 *
 * <p>Where jobs are not due in the order in which they come, each is taken to be due with the last
 * of those before it, which only allows more.
 */
final class DeadlineWork {
  private DeadlineWork() {}

  /**
   * The most jobs, parts included.
   *
   * @param from when they come, never falling
   * @param due when they are due
   * @param work seconds of the machine, at least 0
   * @param speed seconds of work that the machine does in a second
   */
  static double mostInTime(double[] from, double[] due, double[] work, double speed) {
    int n = from.length;
    double[] room = new double[n]; // what the machine can do until job i is due, less what it must
    double[] begun = new double[n]; // what it could have done until job i came, less what it must
    double latest = 0;
    for (int i = 0; i < n; i++) {
      latest = Math.max(latest, due[i]);
      room[i] = speed * latest;
      begun[i] = speed * from[i];
    }
    Integer[] shortestFirst = new Integer[n];
    Arrays.setAll(shortestFirst, i -> i);
    Arrays.sort(shortestFirst, Comparator.comparingDouble(i -> work[i]));
    double done = 0;
    for (int job : shortestFirst) {
      double free = room(room, begun, job);
      double taken = Math.min(work[job], free);
      if (taken >= work[job]) {
        done++;
      } else if (taken > 0) {
        done += taken / work[job];
      } else {
        continue;
      }
      for (int i = job; i < n; i++) {
        room[i] -= taken;
      }
      for (int i = job + 1; i < n; i++) {
        begun[i] -= taken;
      }
    }
    return done;
  }

  /** The least that is left free by any interval around a job. */
  private static double room(double[] room, double[] begun, int job) {
    double least = Double.POSITIVE_INFINITY;
    for (int i = job; i < room.length; i++) {
      least = Math.min(least, room[i]);
    }
    double most = Double.NEGATIVE_INFINITY;
    for (int i = 0; i <= job; i++) {
      most = Math.max(most, begun[i]);
    }
    return Math.max(0, least - most);
  }
}
