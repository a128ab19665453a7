package org.e2llm.serving;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.CallbackException;
import org.e2llm.E2llmException;
import org.e2llm.Generation;
import org.e2llm.GenerationResult;
import org.e2llm.Progress;
import org.e2llm.Token;
import org.e2llm.WaitInterruptedException;
import org.e2llm.WaitTimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Where tokens pass from the thread that computes to those that read. The serving thread calls
 * {@link #emit}, {@link #prefilled} and {@link #finish}; none of them runs code of the app or waits
 * for it.
 */
final class GenerationHandle implements Generation {
  private static final Logger LOG = Logger.getLogger(Generation.class.getName());

  private final Delivery delivery;
  private final Consumer<GenerationHandle> canceller;
  private final @Nullable Consumer<Progress> onPrefill;

  /** Prefill reports that the delivery thread has not made yet. */
  private final AtomicInteger reports = new AtomicInteger();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // Guarded by the lock.
  private final ArrayDeque<Token> unread = new ArrayDeque<>();
  private boolean viewTaken;
  private @Nullable PushView push;
  private boolean awaitPush;
  private boolean ended;
  private @Nullable GenerationResult result;
  private @Nullable E2llmException error;
  private @Nullable CallbackException callbackError;

  /**
   * A generation that has not ended.
   *
   * @param canceller asks the serving loop to end this generation; must return at once
   */
  GenerationHandle(
      Delivery delivery,
      Consumer<GenerationHandle> canceller,
      @Nullable Consumer<Progress> onPrefill) {
    this.delivery = delivery;
    this.canceller = canceller;
    this.onPrefill = onPrefill;
  }

  // The side of the serving thread.

  void emit(Token token) {
    PushView view;
    lock.lock();
    try {
      unread.add(token);
      view = push;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (view != null) {
      view.signal();
    }
  }

  void prefilled(int done, int total) {
    Consumer<Progress> listener = onPrefill;
    if (listener != null) {
      Progress progress = new Progress(Progress.Phase.PREFILL, done, total);
      reports.incrementAndGet();
      delivery.execute(() -> report(listener, progress));
    }
  }

  private void report(Consumer<Progress> listener, Progress progress) {
    try {
      listener.accept(progress);
    } catch (Throwable e) { // whatever the app throws, other generations go on
      callbackFailed(new CallbackException("the listener of prefill progress threw " + e, e));
    }
    PushView view;
    lock.lock();
    try {
      reports.decrementAndGet();
      view = push;
    } finally {
      lock.unlock();
    }
    if (view != null) {
      view.signal();
    }
  }

  /** Ends the generation: with a result, or with an error that carries the text so far. */
  void finish(@Nullable GenerationResult outcome, @Nullable E2llmException failure) {
    PushView view;
    lock.lock();
    try {
      if (ended) {
        return;
      }
      ended = true;
      result = outcome;
      error = failure;
      CallbackException callback = callbackError;
      if (callback != null && outcome != null) {
        callback.withTextSoFar(outcome.text());
      }
      view = push;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (view != null) {
      view.signal();
    }
  }

  // The side of the delivery thread.

  /** Whether prefill progress is still on its way: tokens come after it. */
  boolean reportsPending() {
    return reports.get() > 0;
  }

  /** The next token nobody has read, or null. */
  @Nullable Token poll() {
    lock.lock();
    try {
      return unread.poll();
    } finally {
      lock.unlock();
    }
  }

  /** Whether it has ended and everything was read. */
  boolean isDrained() {
    lock.lock();
    try {
      return ended && unread.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** What went wrong, or null. */
  @Nullable E2llmException failure() {
    lock.lock();
    try {
      return callbackError != null ? callbackError : error;
    } finally {
      lock.unlock();
    }
  }

  void pushFinished() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** The app's own code threw: that ends this generation alone. */
  void callbackFailed(CallbackException failure) {
    LOG.log(Level.WARNING, failure.getMessage(), failure.getCause());
    lock.lock();
    try {
      if (callbackError == null) {
        callbackError = failure;
        if (result != null) {
          failure.withTextSoFar(result.text());
        }
      }
    } finally {
      lock.unlock();
    }
    cancel();
  }

  // The side of the app.

  @Override
  public Iterator<Token> iterator() {
    takeView();
    return new Pull();
  }

  @Override
  public Flow.Publisher<Token> publisher() {
    takeView();
    AtomicBoolean subscribed = new AtomicBoolean();
    return subscriber -> {
      Objects.requireNonNull(subscriber, "subscriber");
      if (subscribed.compareAndSet(false, true)) {
        push(subscriber, false);
      } else {
        delivery.execute(() -> refuse(subscriber));
      }
    };
  }

  private static void refuse(Flow.Subscriber<? super Token> subscriber) {
    try {
      subscriber.onSubscribe(
          new Flow.Subscription() {
            @Override
            public void request(long n) {}

            @Override
            public void cancel() {}
          });
      subscriber.onError(new IllegalStateException("a generation has one subscriber"));
    } catch (Throwable e) { // not this generation's subscriber: nothing of ours to end
      LOG.log(Level.WARNING, "a refused subscriber threw", e);
    }
  }

  @Override
  public Generation onToken(Consumer<Token> callback) {
    Objects.requireNonNull(callback, "callback");
    takeView();
    push(
        new Flow.Subscriber<>() {
          @Override
          public void onSubscribe(Flow.Subscription subscription) {
            subscription.request(Long.MAX_VALUE);
          }

          @Override
          public void onNext(Token token) {
            callback.accept(token);
          }

          @Override
          public void onError(Throwable error) {}

          @Override
          public void onComplete() {}
        },
        true);
    return this;
  }

  private void takeView() {
    lock.lock();
    try {
      if (viewTaken) {
        throw new IllegalStateException(
            "this generation's tokens are read already: use one of iterator, publisher, onToken");
      }
      viewTaken = true;
    } finally {
      lock.unlock();
    }
  }

  private void push(Flow.Subscriber<? super Token> subscriber, boolean awaited) {
    PushView view = new PushView(this, delivery, subscriber);
    lock.lock();
    try {
      push = view;
      awaitPush = awaited;
    } finally {
      lock.unlock();
    }
    view.signal();
  }

  @Override
  public GenerationResult await() {
    lock.lock();
    try {
      while (!settled()) {
        changed.await();
      }
      return outcome();
    } catch (InterruptedException e) {
      throw interrupted();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public GenerationResult await(Duration timeout) {
    lock.lock();
    try {
      long left = nanos(timeout);
      while (!settled()) {
        if (left <= 0) {
          throw new WaitTimeoutException("the generation has not ended within " + timeout);
        }
        left = changed.awaitNanos(left);
      }
      return outcome();
    } catch (InterruptedException e) {
      throw interrupted();
    } finally {
      lock.unlock();
    }
  }

  private static long nanos(Duration duration) {
    return duration.compareTo(Duration.ofDays(36500)) > 0
        ? TimeUnit.DAYS.toNanos(36500)
        : duration.toNanos();
  }

  private boolean settled() {
    PushView view = push;
    return ended && (!awaitPush || view == null || view.finished() || delivery.isCurrentThread());
  }

  private GenerationResult outcome() {
    E2llmException failure = callbackError != null ? callbackError : error;
    if (failure != null) {
      throw failure;
    }
    return Objects.requireNonNull(result, "a generation ends with a result or an error");
  }

  private static WaitInterruptedException interrupted() {
    Thread.currentThread().interrupt();
    return new WaitInterruptedException(
        "the thread was interrupted while it waited for a generation, which goes on");
  }

  @Override
  public void cancel() {
    if (!isDone()) {
      canceller.accept(this);
    }
  }

  @Override
  public boolean isDone() {
    lock.lock();
    try {
      return ended;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    cancel();
  }

  private final class Pull implements Iterator<Token> {
    @Override
    public boolean hasNext() {
      lock.lock();
      try {
        while (unread.isEmpty() && !ended) {
          changed.await();
        }
        if (!unread.isEmpty()) {
          return true;
        }
        outcome();
        return false;
      } catch (InterruptedException e) {
        throw interrupted();
      } finally {
        lock.unlock();
      }
    }

    @Override
    public Token next() {
      Token token = hasNext() ? poll() : null;
      if (token == null) {
        throw new NoSuchElementException("the generation has ended");
      }
      return token;
    }
  }
}
