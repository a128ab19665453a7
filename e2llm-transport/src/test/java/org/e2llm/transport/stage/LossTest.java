package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.e2llm.DeviceLostException;
import org.e2llm.Generation;
import org.e2llm.Token;
import org.e2llm.serving.GenerationService;
import org.e2llm.text.SamplingParams;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Devices and connections are lost in the middle: the text is as if nothing had happened. */
@Timeout(30)
class LossTest {
  private static final SamplingParams SAMPLED = SamplingParams.DEFAULT.withSeed(4);
  private static final Asked LONG_PROMPT = Asked.of(200, 20, SAMPLED);
  private static final Asked LONG_ANSWER = Asked.of(5, 120, SAMPLED);

  /** Does something once, when the {@code count}th frame of {@code type} is about to arrive. */
  private static MemoryPeers.Watcher at(byte type, int count, Runnable what) {
    AtomicInteger seen = new AtomicInteger();
    return (number, from, to, frame) -> {
      if (frame == type && seen.incrementAndGet() == count) {
        what.run();
      }
    };
  }

  @ParameterizedTest(name = "{0} in {1}")
  @CsvSource({
    "a, prefill",
    "b, prefill",
    "c, prefill",
    "a, decode",
    "b, decode",
    "c, decode",
  })
  void aStageIsLost(String victim, String when) {
    Asked asked = when.equals("prefill") ? LONG_PROMPT : LONG_ANSWER;
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "app")) {
      peers.serve("a", "b", "c");
      // The prompt of 200 tokens has 13 chunks, of which each crosses two links.
      int batch = when.equals("prefill") ? 9 : 60;
      peers.watcher = at(StageFrames.BATCH, batch, () -> peers.kill(victim));
      assertThat(Asked.answer(asked.on(peers.peer("app").callers))).isEqualTo(asked.alone());
      assertThat(peers.peer(victim).dead).isTrue();
      peers.settle();
    }
  }

  @Test
  void aStageIsLostBetweenGenerations() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "app")) {
      peers.serve("a", "b", "c");
      assertThat(Asked.answer(LONG_ANSWER.on(peers.peer("app").callers)))
          .isEqualTo(LONG_ANSWER.alone());
      peers.kill("b");
      assertThat(Asked.answer(LONG_PROMPT.on(peers.peer("app").callers)))
          .isEqualTo(LONG_PROMPT.alone());
      peers.settle();
    }
  }

  @ParameterizedTest
  @CsvSource({"a, b", "b, c", "a, c"})
  void twoAreLostAtOnce(String one, String other) {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "d", "app")) {
      peers.serve("a", "b", "c", "d");
      peers.watcher =
          at(
              StageFrames.BATCH,
              77,
              () -> {
                peers.kill(one);
                peers.kill(other);
              });
      List<Generation> running = new ArrayList<>();
      for (String from : List.of("app", "d", "app")) {
        running.add(LONG_ANSWER.on(peers.peer(from).callers));
      }
      for (Generation generation : running) {
        assertThat(Asked.answer(generation)).isEqualTo(LONG_ANSWER.alone());
      }
      peers.settle();
    }
  }

  /** The caller has a stage of its own; its neighbour in the ring is lost. */
  @Test
  void theCallersNeighbourIsLost() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c")) {
      peers.serve("a", "b", "c");
      peers.watcher = at(StageFrames.BATCH, 41, () -> peers.kill("b"));
      Generation own = LONG_ANSWER.on(peers.peer("a").callers);
      Generation others = LONG_ANSWER.on(peers.peer("c").callers);
      assertThat(Asked.answer(own)).isEqualTo(LONG_ANSWER.alone());
      assertThat(Asked.answer(others)).isEqualTo(LONG_ANSWER.alone());
      peers.settle();
    }
  }

  @ParameterizedTest
  @CsvSource({"a, b", "b, c", "a, c", "a, app", "c, app"})
  void oneConnectionEndsAndComesBack(String one, String other) {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "app")) {
      peers.serve("a", "b", "c");
      BiConsumer<String, String> flap =
          (x, y) -> {
            peers.cut(x, y);
            peers.join(x, y);
          };
      peers.watcher = at(StageFrames.RESULTS, 30, () -> flap.accept(one, other));
      assertThat(Asked.answer(LONG_ANSWER.on(peers.peer("app").callers)))
          .isEqualTo(LONG_ANSWER.alone());
      peers.settle();
    }
  }

  /** Only one end sees that the connection was another: the other end never learned. */
  @ParameterizedTest
  @CsvSource({"a, b", "b, a", "b, c", "c, b"})
  void aConnectionIsReplacedAndOneEndAloneNotices(String notices, String other) {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "app")) {
      peers.serve("a", "b", "c");
      peers.watcher = at(StageFrames.RESULTS, 30, () -> peers.replace(notices, other));
      assertThat(Asked.answer(LONG_ANSWER.on(peers.peer("app").callers)))
          .isEqualTo(LONG_ANSWER.alone());
      peers.settle();
    }
  }

  /**
   * A host samples only so far ahead of its caller. If what it sampled is lost, and nothing comes
   * after it, nobody would notice but for the caller's question.
   */
  @ParameterizedTest
  @ValueSource(strings = {"connection", "last stage"})
  void allTokensThatAHostMaySampleAheadAreLost(String what) {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "app")) {
      peers.serve("a", "b", "c");
      peers.watcher =
          at(
              StageFrames.TOKEN,
              3,
              () -> { // before the app takes any more
                MemoryPeers.eventually(
                    "the host waits for the caller",
                    () ->
                        peers.peer("a").batches.get() == GenerationService.MOST_AHEAD
                            && peers.pending() == 0);
                if (what.equals("connection")) {
                  peers.cut("c", "app");
                  peers.join("c", "app");
                } else {
                  peers.kill("c");
                }
              });
      assertThat(Asked.answer(LONG_ANSWER.on(peers.peer("app").callers)))
          .isEqualTo(LONG_ANSWER.alone());
      peers.settle();
    }
  }

  /** Its connections and their heartbeats go on: only time tells. */
  @ParameterizedTest
  @ValueSource(strings = {"a", "b", "c"})
  void aStageHangsWhileItComputes(String victim) {
    CountDownLatch end = new CountDownLatch(1);
    AtomicInteger computed = new AtomicInteger();
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "app")) {
      peers.serve("a", "b", "c");
      peers.peer(victim).computing =
          batch -> {
            if (computed.incrementAndGet() >= 50) {
              MemoryPeers.hangUntil(end);
            }
          };
      Generation generation = LONG_ANSWER.on(peers.peer("app").callers);
      MemoryPeers.eventually("a step hangs", () -> computed.get() == 50);
      peers.hurry(generation::isDone);
      assertThat(Asked.answer(generation)).isEqualTo(LONG_ANSWER.alone());
      assertThat(peers.late()).containsOnly(victim);
      assertThat(peers.peer(victim).stages.isStuck()).isTrue();
      end.countDown();
      MemoryPeers.eventually("it is of use again", () -> !peers.peer(victim).stages.isStuck());
      peers.settle();
    } finally {
      end.countDown();
    }
  }

  /** Tokens go through the host where the last stage and the caller do not reach each other. */
  @Test
  void theCallerNeverReachesTheLastStage() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "app")) {
      peers.cut("c", "app");
      peers.serve("a", "b", "c");
      assertThat(Asked.answer(LONG_ANSWER.on(peers.peer("app").callers)))
          .isEqualTo(LONG_ANSWER.alone());
      assertThat(peers.line("c", "app").frames).hasValue(0);
      peers.settle();
    }
  }

  /** Whoever was given up for lost must not disturb what goes on without it. */
  @ParameterizedTest
  @ValueSource(strings = {"a", "b", "c"})
  void aFrozenDeviceThatThawsChangesNothing(String victim) {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "app")) {
      peers.serve("a", "b", "c");
      peers.watcher =
          at(
              StageFrames.BATCH,
              50,
              () -> {
                peers.freeze(victim);
                peers.giveUp(victim);
              });
      Generation generation = LONG_ANSWER.on(peers.peer("app").callers);
      MemoryPeers.eventually(victim + " is frozen", () -> peers.peer(victim).frozen());
      // It thaws in the middle of what goes on without it.
      Iterator<Token> tokens = generation.iterator();
      for (int i = 0; i < 60; i++) {
        tokens.next();
      }
      peers.peer(victim).thaw();
      assertThat(generation.await().text()).isEqualTo(LONG_ANSWER.alone().text());
      peers.settle();
    }
  }

  @Test
  void whenNothingIsLeftTheErrorHasTheTextSoFar() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "app")) {
      peers.serve("a", "b");
      peers.neverMend();
      peers.watcher = at(StageFrames.TOKEN, 40, () -> peers.kill("b"));
      Generation generation = LONG_ANSWER.on(peers.peer("app").callers);
      assertThatThrownBy(generation::await)
          .isInstanceOfSatisfying(
              DeviceLostException.class,
              lost -> {
                assertThat(lost).hasMessageContaining("no copy of layers 0-5");
                assertThat(LONG_ANSWER.alone().text()).startsWith(lost.textSoFar());
                assertThat(lost.textSoFar()).isNotEmpty();
              });
      peers.settle();
    }
  }
}
