package org.e2llm.planner.simulator;

/**
 * What is to happen, by time; at the same time in the order it was scheduled.
 *
 * <p>A sorted array, since few events wait at a time (8 on the mean, some 200 where interfaces are
 * crowded) and most of what is scheduled happens after most of what waits: moving one or two takes
 * less time than a heap's branches, which no processor predicts. No allocation once it has grown.
 */
final class EventQueue {
  private double[] times = new double[64];
  private long[] events = new long[64];
  private int first;
  private int end;

  boolean isEmpty() {
    return first == end;
  }

  /** When the next event happens; infinity if there is none. */
  double nextTime() {
    return isEmpty() ? Double.POSITIVE_INFINITY : times[first];
  }

  void add(double time, long event) {
    if (end == times.length) {
      makeRoom();
    }
    int i = end++;
    while (i > first && times[i - 1] > time) { // what was scheduled before goes first
      times[i] = times[i - 1];
      events[i] = events[i - 1];
      i--;
    }
    times[i] = time;
    events[i] = event;
  }

  /** Half of the arrays at least is free after this, so that it is seldom needed. */
  private void makeRoom() {
    int size = end - first;
    double[] allTimes = times;
    long[] allEvents = events;
    if (2 * size > times.length) {
      times = new double[2 * size];
      events = new long[2 * size];
    }
    System.arraycopy(allTimes, first, times, 0, size);
    System.arraycopy(allEvents, first, events, 0, size);
    first = 0;
    end = size;
  }

  /** Takes the next event. */
  long poll() {
    return events[first++];
  }
}
