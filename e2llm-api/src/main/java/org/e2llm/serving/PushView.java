package org.e2llm.serving;

import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.e2llm.CallbackException;
import org.e2llm.E2llmException;
import org.e2llm.Token;
import org.jspecify.annotations.Nullable;

/**
 * Carries a generation's tokens to a subscriber, on the delivery thread, as far as it asked for.
 *
 * <p>Rules: Reactive Streams 1.0.4. Signals never overlap: whoever makes {@link #pending} leave
 * zero schedules the drain, which goes on until it is zero again.
 */
final class PushView implements Flow.Subscription {
  /** Signals in a row before other generations get their turn. */
  private static final int TURN = 64;

  private final GenerationHandle generation;
  private final Delivery delivery;
  private final Flow.Subscriber<? super Token> subscriber;
  private final AtomicInteger pending = new AtomicInteger();
  private final AtomicLong demand = new AtomicLong();
  private volatile boolean cancelled;
  private volatile @Nullable IllegalArgumentException violation;
  private volatile boolean finished;
  private boolean announced;

  PushView(
      GenerationHandle generation, Delivery delivery, Flow.Subscriber<? super Token> subscriber) {
    this.generation = generation;
    this.delivery = delivery;
    this.subscriber = subscriber;
  }

  @Override
  public void request(long n) {
    if (n <= 0) {
      violation =
          new IllegalArgumentException(
              "request of " + n + " tokens: rule 3.9 asks for more than 0");
      generation.cancel();
    } else {
      demand.updateAndGet(before -> before + n < 0 ? Long.MAX_VALUE : before + n);
    }
    signal();
  }

  @Override
  public void cancel() {
    cancelled = true;
    generation.cancel();
    signal();
  }

  /** Whether nothing will be signalled any more. */
  boolean finished() {
    return finished;
  }

  /** There may be something to deliver. */
  void signal() {
    if (pending.getAndIncrement() == 0) {
      delivery.execute(this::drain);
    }
  }

  private void drain() {
    int seen = pending.get();
    do {
      if (!deliver()) {
        delivery.execute(this::drain);
        return;
      }
      seen = pending.addAndGet(-seen);
    } while (seen != 0);
  }

  /** Gives false if its turn was over before everything was delivered. */
  private boolean deliver() {
    try {
      if (!announced) {
        announced = true;
        subscriber.onSubscribe(this);
      }
      for (int i = 0; i < TURN; i++) {
        if (finished || !deliverOne()) {
          return true;
        }
      }
      return false;
    } catch (Throwable e) { // whatever the app throws, other generations go on
      finish();
      generation.callbackFailed(new CallbackException("the consumer of tokens threw " + e, e));
      return true;
    }
  }

  /** Gives false if there is nothing to deliver now. */
  private boolean deliverOne() {
    IllegalArgumentException broken = violation;
    if (cancelled) {
      finish();
      return false;
    }
    if (broken != null) {
      finish();
      subscriber.onError(broken);
      return false;
    }
    if (generation.reportsPending()) {
      return false;
    }
    if (demand.get() > 0) {
      Token token = generation.poll();
      if (token != null) {
        demand.updateAndGet(before -> before == Long.MAX_VALUE ? before : before - 1);
        subscriber.onNext(token);
        return true;
      }
    }
    if (generation.isDrained()) {
      E2llmException error = generation.failure();
      finish();
      if (error == null) {
        subscriber.onComplete();
      } else {
        subscriber.onError(error);
      }
    }
    return false;
  }

  private void finish() {
    finished = true;
    generation.pushFinished();
  }
}
