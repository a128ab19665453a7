package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.CallbackException;
import org.e2llm.E2llmException;
import org.e2llm.FinishReason;
import org.e2llm.Generation;
import org.e2llm.GenerationResult;
import org.e2llm.StageFailedException;
import org.e2llm.Timings;
import org.e2llm.Token;
import org.e2llm.Usage;
import org.e2llm.WaitInterruptedException;
import org.e2llm.WaitTimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GenerationHandleTest {
  private static final Logger LOG = Logger.getLogger(Generation.class.getName());

  private final Delivery delivery = new Delivery();
  private final CountDownLatch cancelled = new CountDownLatch(1);
  private final GenerationHandle handle =
      new GenerationHandle(
          delivery,
          self -> {
            cancelled.countDown();
            self.finish(result(FinishReason.CANCELLED), null);
          },
          null);

  @BeforeEach
  void quiet() {
    LOG.setLevel(Level.OFF);
  }

  @AfterEach
  void loud() {
    LOG.setLevel(null);
  }

  @Test
  void theIteratorGivesEveryTokenThenEnds() {
    handle.emit(token(0));
    handle.emit(token(1));
    handle.finish(result(FinishReason.STOP), null);
    assertThat(handle).extracting(Token::id).containsExactly(0, 1);
    assertThat(handle.await().finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(handle.isDone()).isTrue();
  }

  @Test
  void aFailureComesAfterTheTokensThatWereBeforeIt() {
    handle.emit(token(0));
    E2llmException error = new StageFailedException("broken", null).withTextSoFar("t0");
    handle.finish(null, error);
    Iterator<Token> tokens = handle.iterator();
    assertThat(tokens.next().id()).isZero();
    assertThatThrownBy(tokens::hasNext).isSameAs(error);
    assertThatThrownBy(handle::await).isSameAs(error);
    assertThat(error.textSoFar()).isEqualTo("t0");
  }

  @Test
  void oneViewMayBeUsed() {
    handle.onToken(token -> {});
    assertThatThrownBy(handle::iterator).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(handle::publisher).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> handle.onToken(token -> {})).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void leavingTheLoopDoesNotCancel() {
    handle.emit(token(0));
    for (Token token : handle) {
      assertThat(token.id()).isZero();
      break;
    }
    assertThat(cancelled.getCount()).isEqualTo(1);
    handle.finish(result(FinishReason.LENGTH), null);
    assertThat(handle.await().finishReason()).isEqualTo(FinishReason.LENGTH);
  }

  @Test
  void anInterruptedPullSaysSoKeepsTheFlagAndCanGoOn() {
    Iterator<Token> tokens = handle.iterator();
    Thread.currentThread().interrupt();
    assertThatThrownBy(tokens::hasNext).isInstanceOf(WaitInterruptedException.class);
    assertThat(Thread.interrupted()).isTrue();
    Thread.currentThread().interrupt();
    assertThatThrownBy(handle::await).isInstanceOf(WaitInterruptedException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(handle.isDone()).isFalse();
    handle.emit(token(0));
    assertThat(tokens.next().id()).isZero();
  }

  @Test
  void awaitingForALimitedTimeGivesUpAndLeavesItRunning() {
    assertThatThrownBy(() -> handle.await(Duration.ofMillis(1)))
        .isInstanceOf(WaitTimeoutException.class);
    assertThat(handle.isDone()).isFalse();
    handle.finish(result(FinishReason.STOP), null);
    assertThat(handle.await(Duration.ZERO)).isNotNull();
    assertThat(handle.await(Duration.ofSeconds(Long.MAX_VALUE))).isNotNull();
  }

  @Test
  void callbacksComeInOrderFromTheDeliveryThreadAndAwaitSeesThemAll() {
    List<Integer> seen = Collections.synchronizedList(new ArrayList<>());
    List<String> threads = Collections.synchronizedList(new ArrayList<>());
    handle.emit(token(0));
    handle.onToken(
        token -> {
          seen.add(token.id());
          threads.add(Thread.currentThread().getName());
        });
    for (int i = 1; i < 500; i++) {
      handle.emit(token(i));
    }
    handle.finish(result(FinishReason.STOP), null);
    handle.await();
    assertThat(seen).hasSize(500).isSorted();
    assertThat(threads).containsOnly("e2llm-delivery");
  }

  @Test
  void aThrowingCallbackEndsItsOwnGenerationWithATypedError() throws Exception {
    handle.onToken(
        token -> {
          throw new IllegalStateException("mine");
        });
    handle.emit(token(0));
    assertThat(cancelled.await(30, TimeUnit.SECONDS)).isTrue();
    assertThatThrownBy(handle::await)
        .isInstanceOf(CallbackException.class)
        .hasRootCauseMessage("mine");
  }

  @Test
  void awaitInsideACallbackDoesNotWaitForItself() {
    AtomicReference<GenerationResult> inside = new AtomicReference<>();
    handle.finish(result(FinishReason.STOP), null);
    GenerationHandle other = new GenerationHandle(delivery, self -> {}, null);
    other.emit(token(0));
    other.finish(result(FinishReason.STOP), null);
    other.onToken(token -> inside.set(other.await()));
    other.await();
    assertThat(inside.get()).isNotNull();
  }

  @Test
  void aSubscriberGetsWhatItAskedForAndNoMore() {
    Probe probe = new Probe();
    handle.publisher().subscribe(probe);
    for (int i = 0; i < 5; i++) {
      handle.emit(token(i));
    }
    handle.finish(result(FinishReason.STOP), null);
    assertThat(probe.seen()).isEmpty();
    probe.request(2);
    assertThat(probe.seen()).containsExactly(0, 1);
    probe.request(Long.MAX_VALUE);
    probe.request(Long.MAX_VALUE);
    assertThat(probe.seen()).containsExactly(0, 1, 2, 3, 4);
    assertThat(probe.ends).containsExactly("complete");
    assertThat(probe.threads).containsOnly("e2llm-delivery");
    assertThat(cancelled.getCount()).isEqualTo(1);
  }

  @Test
  void theEndNeedsNoDemand() {
    Probe probe = new Probe();
    handle.publisher().subscribe(probe);
    handle.finish(result(FinishReason.STOP), null);
    assertThat(probe.seen()).isEmpty();
    assertThat(probe.ends).containsExactly("complete");
  }

  @Test
  void aFailedGenerationSignalsOnErrorOnce() {
    Probe probe = new Probe();
    handle.publisher().subscribe(probe);
    probe.request(10);
    handle.emit(token(0));
    handle.finish(null, new StageFailedException("broken", null));
    assertThat(probe.seen()).containsExactly(0);
    assertThat(probe.ends).containsExactly("error StageFailedException");
  }

  @Test
  void cancellingTheSubscriptionCancelsTheGenerationAndEndsTheSignals() throws Exception {
    Probe probe = new Probe();
    handle.publisher().subscribe(probe);
    probe.request(1);
    handle.emit(token(0));
    assertThat(probe.seen()).containsExactly(0);
    probe.subscription.cancel();
    assertThat(cancelled.await(30, TimeUnit.SECONDS)).isTrue();
    handle.emit(token(1));
    probe.request(5);
    assertThat(probe.seen()).containsExactly(0);
    assertThat(probe.ends).isEmpty();
  }

  @Test
  void askingForNothingIsAnErrorByRule39() {
    Probe probe = new Probe();
    handle.publisher().subscribe(probe);
    probe.request(0);
    assertThat(probe.seen()).isEmpty();
    assertThat(probe.ends).containsExactly("error IllegalArgumentException");
    assertThat(handle.await().finishReason()).isEqualTo(FinishReason.CANCELLED);
  }

  @Test
  void aSecondSubscriberIsRefusedAndAMissingOneToo() {
    Flow.Publisher<Token> publisher = handle.publisher();
    assertThatThrownBy(() -> publisher.subscribe(null)).isInstanceOf(NullPointerException.class);
    publisher.subscribe(new Probe());
    Probe second = new Probe();
    publisher.subscribe(second);
    settle();
    assertThat(second.ends).containsExactly("error IllegalStateException");
  }

  @Test
  void demandFromInsideOnNextDoesNotNestSignals() {
    List<Integer> seen = new ArrayList<>();
    handle
        .publisher()
        .subscribe(
            new Probe() {
              private boolean inside;

              @Override
              public void onSubscribe(Flow.Subscription given) {
                super.onSubscribe(given);
                given.request(1);
              }

              @Override
              public void onNext(Token token) {
                assertThat(inside).isFalse();
                inside = true;
                subscription.request(1);
                seen.add(token.id());
                inside = false;
              }
            });
    for (int i = 0; i < 300; i++) {
      handle.emit(token(i));
    }
    handle.finish(result(FinishReason.STOP), null);
    settle();
    settle();
    settle();
    settle();
    settle();
    settle();
    assertThat(seen).hasSize(300).isSorted();
  }

  /** Waits until the delivery thread has done what was scheduled before. */
  private void settle() {
    CountDownLatch done = new CountDownLatch(1);
    delivery.execute(done::countDown);
    try {
      assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static Token token(int id) {
    return new Token(id, "t" + id, id, Float.NaN, List.of());
  }

  private static GenerationResult result(FinishReason reason) {
    Duration zero = Duration.ZERO;
    return new GenerationResult(
        "", reason, null, new Usage(1, 0, 0), new Timings(zero, zero, zero, zero, 0, 0), 1);
  }

  private class Probe implements Flow.Subscriber<Token> {
    final List<Integer> tokens = Collections.synchronizedList(new ArrayList<>());
    final List<String> ends = Collections.synchronizedList(new ArrayList<>());
    final List<String> threads = Collections.synchronizedList(new ArrayList<>());
    volatile Flow.Subscription subscription;

    void request(long count) {
      settle();
      subscription.request(count);
    }

    List<Integer> seen() {
      settle();
      settle();
      return tokens;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      assertThat(subscription).isNull();
      subscription = given;
    }

    @Override
    public void onNext(Token token) {
      tokens.add(token.id());
      threads.add(Thread.currentThread().getName());
    }

    @Override
    public void onError(Throwable error) {
      ends.add("error " + error.getClass().getSimpleName());
    }

    @Override
    public void onComplete() {
      ends.add("complete");
    }
  }
}
