package org.e2llm.planner.simulator;

import java.util.Arrays;

/**
 * What is to happen, by time; at the same time in the order it was scheduled. A binary heap of
 * primitives: no allocation once it has grown.
 */
final class EventHeap {
  private double[] times = new double[64];
  private long[] orders = new long[64];
  private long[] events = new long[64];
  private int size;
  private long scheduled;

  void clear() {
    size = 0;
  }

  boolean isEmpty() {
    return size == 0;
  }

  /** When the next event happens; infinity if there is none. */
  double nextTime() {
    return size == 0 ? Double.POSITIVE_INFINITY : times[0];
  }

  void add(double time, long event) {
    if (size == times.length) {
      times = Arrays.copyOf(times, 2 * size);
      orders = Arrays.copyOf(orders, 2 * size);
      events = Arrays.copyOf(events, 2 * size);
    }
    long order = ++scheduled;
    int i = size++;
    while (i > 0) {
      int parent = (i - 1) >>> 1;
      if (times[parent] <= time) { // what was scheduled before goes first at the same time
        break;
      }
      move(parent, i);
      i = parent;
    }
    times[i] = time;
    orders[i] = order;
    events[i] = event;
  }

  /** Takes the next event. */
  long poll() {
    long event = events[0];
    size--;
    double time = times[size];
    long order = orders[size];
    int i = 0;
    for (int child = 1; child < size; child = 2 * i + 1) {
      if (child + 1 < size
          && before(times[child + 1], orders[child + 1], times[child], orders[child])) {
        child++;
      }
      if (!before(times[child], orders[child], time, order)) {
        break;
      }
      move(child, i);
      i = child;
    }
    times[i] = time;
    orders[i] = order;
    events[i] = events[size];
    return event;
  }

  private static boolean before(double time, long order, double otherTime, long otherOrder) {
    return time < otherTime || (time == otherTime && order < otherOrder);
  }

  private void move(int from, int to) {
    times[to] = times[from];
    orders[to] = orders[from];
    events[to] = events[from];
  }
}
