package org.e2llm.transport.stage;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;

/**
 * Whether a stage of a ring is late. The heartbeats of a device whose computing hangs go on, and
 * what it does not send breaks no order, so only time tells: a step is late when nothing came for
 * {@value #TIMES} times as long as steps of its kind took lately, or as it takes by what the first
 * stage needed for it. While a ring is set up, every further stage has its time.
 *
 * <p>A pure state machine: events and a clock in, a verdict out; times are nanoseconds since any
 * fixed moment. Steps end in the order in which they began. Not thread-safe.
 */
final class RingWatch {
  static final int TIMES = 8;

  /** Nobody is late before. */
  static final long FLOOR = TimeUnit.SECONDS.toNanos(5);

  /**
   * As {@link #FLOOR}, until {@link #WARM} steps of a kind have ended: JVMs compile, disks read.
   */
  static final long COLD = TimeUnit.SECONDS.toNanos(60);

  static final int WARM = 3;

  /** For a stage to be set up, which may include that weights are read from disk. */
  static final long SET_UP = TimeUnit.SECONDS.toNanos(60);

  /** Between two looks; from then on it was this device that stood still. */
  static final long OWN_STALL = TimeUnit.SECONDS.toNanos(1);

  private static final int RECENT = 16;

  /** A step under way. */
  private static final class Step {
    final int number;
    final int rows;
    final Kind kind;
    final long began;
    long predicted;

    Step(int number, int rows, Kind kind, long began) {
      this.number = number;
      this.rows = rows;
      this.kind = kind;
      this.began = began;
    }
  }

  /** The steps of a kind that ended last. */
  private static final class Kind {
    private final long[] nanos = new long[RECENT];
    private final int[] rows = new int[RECENT];
    private int ended;

    void add(int stepRows, long took) {
      rows[ended % RECENT] = stepRows;
      nanos[ended++ % RECENT] = took;
    }

    /** As the slowest of them, in proportion where it had fewer rows. */
    double predicted(int stepRows) {
      double slowest = 0;
      for (int i = 0; i < Math.min(ended, RECENT); i++) {
        slowest = Math.max(slowest, nanos[i] * Math.max(1.0, (double) stepRows / rows[i]));
      }
      return slowest;
    }
  }

  private final double firstShare;
  private final int patience;
  private final Kind decoding = new Kind();
  private final Kind prompts = new Kind();

  /** Some stages compute what others pass over: nobody knows how long that takes. */
  private final Kind replays = new Kind();

  private final ArrayDeque<Step> underWay = new ArrayDeque<>();
  private boolean whole;
  private long waitsSince;
  private long looked;

  /**
   * The set-up begins.
   *
   * @param firstShare of all layers that the first stage has, above 0
   * @param patience how many times longer than usual this waits, see {@link LateDevices}
   */
  RingWatch(double firstShare, int patience, long now) {
    this.firstShare = firstShare;
    this.patience = patience;
    this.waitsSince = now;
    this.looked = now;
  }

  /** A further stage is there. */
  void ready(boolean all, long now) {
    whole = all;
    waitsSince = now;
  }

  /** The first stage takes a step up. */
  void began(int number, int rows, boolean decodes, long now) {
    underWay.add(new Step(number, Math.max(1, rows), decodes ? decoding : prompts, now));
  }

  /** As above, a step in which some stages compute again what others hold. */
  void replays(int number, int rows, long now) {
    underWay.add(new Step(number, Math.max(1, rows), replays, now));
  }

  /** The step that began last has left the first stage, which says how much work it is. */
  void computedHere(long now) {
    Step step = underWay.peekLast();
    if (step != null) {
      step.predicted = (long) ((now - step.began) / firstShare);
    }
  }

  /** The step that began last failed in the first stage: no other one hears of it. */
  void failedHere() {
    underWay.pollLast();
  }

  /** The oldest step has ended. */
  void ended(long now) {
    Step step = underWay.poll();
    if (step != null) {
      step.kind.add(step.rows, now - step.began);
      waitsSince = now;
    }
  }

  /** Looks, which is to be done several times a second; whether a stage is late. */
  boolean isLate(long now) {
    if (now - looked >= OWN_STALL) {
      waitsSince = now; // no look was taken: answers may wait here
    }
    looked = now;
    Step head = underWay.peek();
    if (!whole) {
      return now - waitsSince >= patience * SET_UP;
    }
    return head != null && now - since(head) >= limit(head);
  }

  private long since(Step head) {
    return Math.max(head.began, waitsSince);
  }

  private long limit(Step head) {
    long least = head.kind.ended < WARM || head.kind == replays ? COLD : FLOOR;
    double predicted = Math.max(head.predicted, head.kind.predicted(head.rows));
    return patience * (long) Math.max(least, TIMES * predicted);
  }

  /** The number of the step that is waited for; -1 if there is none. */
  int awaited() {
    Step head = underWay.peek();
    return head == null ? -1 : head.number;
  }

  /** What is waited for, for messages. */
  String describe(long now) {
    Step head = underWay.peek();
    if (!whole || head == null) {
      return "was not set up after " + seconds(now - waitsSince);
    }
    return "was late: a step of "
        + head.rows
        + " rows took "
        + seconds(now - since(head))
        + ", expected were "
        + seconds((long) Math.max(head.predicted, head.kind.predicted(head.rows)));
  }

  private static String seconds(long nanos) {
    return Math.round(nanos / 1e8) / 10.0 + " s";
  }
}
