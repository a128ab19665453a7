package org.e2llm.transport.stage;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.SliceOutput;
import org.jspecify.annotations.Nullable;

/**
 * The steps of a ring that are under way, and how far its stages are: who is late. Belongs to the
 * ring's host. Thread-safe.
 */
final class RingSteps {
  /** How long stages have to say how far they are, before one is given up. */
  private static final long ANSWER = TimeUnit.SECONDS.toNanos(1);

  /** One that has left the first stage. */
  record Step(int number, List<Batch.Slice> slices, CompletableFuture<List<SliceOutput>> outputs) {}

  /**
   * That a stage is late.
   *
   * @param device null if it is not known which one: all are to be asked how far they are
   */
  record Late(@Nullable String device, String why) {}

  private final Ring ring;
  private final LongSupplier clock;

  // Guarded by this.
  private final ArrayDeque<Step> underWay = new ArrayDeque<>();
  private final RingWatch watch;

  /**
   * By place in the ring, as the stage said last: steps that have left it, -1 if it said nothing.
   */
  private final int[] passed;

  private boolean whole;
  private boolean asked;
  private long askedAt;
  private boolean computing;
  private boolean over;
  private long overAt;

  /**
   * None is under way, and no other stage is there.
   *
   * @param patience how many times longer than usual this waits for the other stages
   * @param clock nanoseconds since any fixed moment
   */
  RingSteps(Ring ring, int patience, LongSupplier clock) {
    this.ring = ring;
    this.clock = clock;
    this.passed = new int[ring.stages().size()];
    Arrays.fill(passed, -1);
    int layers = ring.stages().get(ring.stages().size() - 1).layers().to();
    double share = (double) ring.stages().get(0).layers().size() / layers;
    this.watch = new RingWatch(share, patience, clock.getAsLong());
  }

  /**
   * A stage is there, or answers how far it is.
   *
   * @return whether this is the word that was missing until all are there
   */
  synchronized boolean stands(String device, int stepsPassed) {
    int place = ring.index(device);
    boolean known = passed[place] >= 0;
    passed[place] = stepsPassed;
    if (known) {
      return false;
    }
    whole = true;
    for (int i = 1; i < passed.length; i++) {
      whole &= passed[i] >= 0;
    }
    watch.ready(whole, clock.getAsLong());
    return whole;
  }

  /** Whether any stage is not there yet whose device is such a one. */
  synchronized boolean waitsFor(Predicate<String> device) {
    for (int i = 1; i < passed.length; i++) {
      if (passed[i] < 0 && device.test(ring.stages().get(i).device())) {
        return true;
      }
    }
    return false;
  }

  /**
   * The first stage takes a step up.
   *
   * @param replays whether some stages compute again what others hold
   */
  synchronized void begins(int number, Batch batch, boolean replays) {
    computing = true;
    if (replays) {
      watch.replays(number, batch.rows(), clock.getAsLong());
    } else {
      watch.began(number, batch.rows(), batch.decodes(), clock.getAsLong());
    }
  }

  /** The step that began last failed in the first stage. */
  synchronized void failedHere() {
    computing = false;
    watch.failedHere();
  }

  /** The step that began last leaves the first stage; false if it is over: nobody would end it. */
  synchronized boolean leaves(Step step) {
    computing = false;
    watch.computedHere(clock.getAsLong());
    if (!over) {
      underWay.add(step);
    }
    return !over;
  }

  /** The one that is to end next. */
  synchronized @Nullable Step head() {
    return underWay.peek();
  }

  synchronized void end(Step step) {
    if (underWay.remove(step)) {
      watch.ended(clock.getAsLong());
    }
  }

  /** No step goes on; gives those that did. */
  synchronized List<Step> over() {
    over = true;
    overAt = clock.getAsLong();
    List<Step> ended = List.copyOf(underWay);
    underWay.clear();
    return ended;
  }

  synchronized int size() {
    return underWay.size();
  }

  /**
   * Looks whether a stage is late, which is to be done several times a second. The stages are asked
   * first how far they are, which their net threads answer.
   */
  synchronized @Nullable Late look() {
    long now = clock.getAsLong();
    if (over || !watch.isLate(now)) {
      asked = false;
      return null;
    }
    if (asked && now - askedAt < ANSWER) {
      return null;
    }
    String device = asked || !whole ? lateDevice() : null;
    askedAt = now;
    asked = true;
    return new Late(device, watch.describe(now));
  }

  /** The first one in the ring that the step has not left. */
  private String lateDevice() {
    int step = watch.awaited();
    Step head = underWay.peek();
    if (step >= 0 && (head == null || head.number() != step)) {
      return ring.host();
    }
    for (int i = 1; i < passed.length; i++) {
      if (passed[i] <= step) {
        return ring.stages().get(i).device();
      }
    }
    return ring.last(); // its results did not come
  }

  /** Whether the first stage still computes though it has been over for so long. */
  synchronized boolean isStuck(long nanos) {
    return over && computing && clock.getAsLong() - overAt >= nanos;
  }
}
