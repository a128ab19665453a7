package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.e2llm.CapacityException;
import org.e2llm.DeadlineExceededException;
import org.e2llm.FinishReason;
import org.e2llm.Generation;
import org.e2llm.GenerationResult;
import org.e2llm.InvalidRequestException;
import org.e2llm.NonFiniteLogitsException;
import org.e2llm.pipeline.SamplingSpec;
import org.e2llm.serving.Submission;
import org.e2llm.testing.FakeTokenizer;
import org.e2llm.text.SamplingParams;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several devices give what one gives, and nothing stays behind. */
@Timeout(30)
class RingTest {
  private static final String[] NAMES = {"a", "b", "c", "d"};
  private static final SamplingParams SAMPLED = SamplingParams.DEFAULT.withSeed(42);

  /** A host that has the last stage too samples itself: others see no token, in no frame. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void aHostThatKeepsBothEndsShowsItsTokensToNobody(int count) {
    String[] devices = Arrays.copyOf(NAMES, count);
    List<Asked> all =
        List.of(
            Asked.of(5, 40, SamplingParams.GREEDY),
            Asked.of(150, 20, SAMPLED),
            Asked.of(33, 30, new SamplingParams(0.8f, 40, 0.95f, 0.05f, 1, 0, 0, Map.of(), 3, 4)));
    List<Asked.Answer> alone = Asked.alone(all);
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c")) {
      peers.endsStay = true;
      peers.serve(devices);
      List<Generation> running = new ArrayList<>();
      all.forEach(asked -> running.add(asked.on(peers.peer("a").callers)));
      for (int i = 0; i < all.size(); i++) {
        assertThat(Asked.answer(running.get(i))).isEqualTo(alone.get(i));
      }
      peers.settle();
      for (int i = 1; i < count; i++) {
        assertThat(peers.line(devices[i - 1], devices[i]).batches).hasPositiveValue();
      }
      assertThat(peers.line(devices[count - 1], "a").batches).hasPositiveValue();
      int whose = 1 + (2 + 1) + 8 + 4;
      assertThat(peers.log.mostBytes(StageFrames.SESSION_BEGIN)).isEqualTo(8 + 8 + whose + 1);
      for (byte type : new byte[] {StageFrames.RESULTS, StageFrames.TOKEN, StageFrames.SUBMIT}) {
        assertThat(peers.log.mostBytes(type)).as("frame type " + type).isZero();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void manyDevicesGiveTheTextOfOne(int count) {
    String[] devices = Arrays.copyOf(NAMES, count);
    List<Asked> all =
        List.of(
            Asked.of(5, 40, SamplingParams.GREEDY),
            Asked.of(5, 40, SAMPLED),
            Asked.of(1, 1, SAMPLED),
            Asked.of(150, 20, SAMPLED), // ten chunks
            Asked.of(33, 30, new SamplingParams(0.8f, 40, 0.95f, 0.05f, 1, 0, 0, Map.of(), 3, 4)),
            Asked.of(7, 60, SAMPLED).stoppingAt("e", "th"));
    List<Asked.Answer> alone = Asked.alone(all);
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "d", "app")) {
      peers.serve(devices);
      for (String from : List.of("a", devices[count - 1], "app")) {
        for (int i = 0; i < all.size(); i++) {
          assertThat(Asked.answer(all.get(i).on(peers.peer(from).callers))).isEqualTo(alone.get(i));
        }
      }
      peers.settle();
      for (String device : devices) {
        assertThat(peers.peer(device).batches).as("batches of " + device).hasPositiveValue();
      }
      for (int i = 1; i < count; i++) {
        assertThat(peers.line(devices[i - 1], devices[i]).batches).hasPositiveValue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 50})
  void manySessionsAtOnceOfTwoCallers(int count) {
    Random random = new Random(count);
    List<Asked> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(Asked.any(random));
    }
    List<Asked.Answer> alone = Asked.alone(all);
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "app")) {
      peers.serve("a", "b", "c");
      List<Generation> running = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        running.add(all.get(i).on(peers.peer(i % 2 == 0 ? "app" : "b").callers));
      }
      for (int i = 0; i < count; i++) {
        assertThat(Asked.answer(running.get(i))).as("session " + i).isEqualTo(alone.get(i));
      }
      peers.settle();
    }
  }

  @Test
  void aCancelledGenerationFreesWhatItHadOnAllDevices() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "app")) {
      peers.serve("a", "b");
      Generation generation = Asked.of(20, 1500, SAMPLED).on(peers.peer("app").callers);
      assertThat(generation.iterator().next().position()).isEqualTo(20);
      generation.cancel();
      assertThat(generation.await().finishReason()).isEqualTo(FinishReason.CANCELLED);
      peers.settle();
    }
  }

  @Test
  void aDeadlineEndsTheWaitForAHostAndForMemory() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "app")) {
      Submission hurried = Asked.of(4, 4, SAMPLED).submission(Duration.ofMillis(5), null);
      Generation early = peers.peer("app").callers.submit(hurried);
      assertThatThrownBy(early::await).isInstanceOf(DeadlineExceededException.class);
      peers.kvBytes = 100 * MemoryPeers.LAYERS * 8;
      peers.serve("a", "b");
      CountDownLatch holds = new CountDownLatch(1);
      peers.watcher =
          (number, from, to, type) -> {
            if (type == StageFrames.BATCH) {
              await(holds); // the ring stands still, and with it the session that has the memory
            }
          };
      Generation first = Asked.of(40, 50, SAMPLED).on(peers.peer("app").callers);
      MemoryPeers.eventually("the first is admitted", () -> peers.peer("a").batches.get() > 0);
      Generation second =
          peers
              .peer("app")
              .callers
              .submit(Asked.of(40, 50, SAMPLED).submission(Duration.ofMillis(5), null));
      assertThatThrownBy(second::await)
          .isInstanceOf(DeadlineExceededException.class)
          .hasMessageContaining("not started");
      holds.countDown();
      assertThat(Asked.answer(first)).isEqualTo(Asked.of(40, 50, SAMPLED).alone());
      peers.settle();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void whatCannotBeIsATypedErrorAtTheCaller() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "app")) {
      peers.kvBytes = 100 * MemoryPeers.LAYERS * 8;
      peers.serve("a", "b");
      for (String from : List.of("a", "b", "app")) {
        Generation large = Asked.of(90, 50, SAMPLED).on(peers.peer(from).callers);
        assertThatThrownBy(large::await)
            .isInstanceOf(CapacityException.class)
            .hasMessageContaining("140 tokens");
      }
      peers.settle();
    }
  }

  @Test
  void logitsThatAreNotFiniteEndThatSessionAlone() {
    try (MemoryPeers peers = new MemoryPeers("a", "app")) {
      peers.serve("a");
      Asked bad = new Asked(new int[] {1, FakeTokenizer.NAN}, 5, SAMPLED, List.of());
      Generation other = Asked.of(5, 200, SAMPLED).on(peers.peer("app").callers);
      Generation failing = bad.on(peers.peer("app").callers);
      assertThatThrownBy(failing::await).isInstanceOf(NonFiniteLogitsException.class);
      assertThat(Asked.answer(other)).isEqualTo(Asked.of(5, 200, SAMPLED).alone());
      peers.settle();
    }
  }

  @Test
  void aLogitsProcessorRunsOnTheHostAndIsRefusedElsewhere() {
    SamplingSpec never =
        new SamplingSpec(
            SamplingParams.GREEDY, (tokens, logits) -> Arrays.fill(logits, 0, 200, -9));
    Submission asked =
        new Submission(
            new int[] {1, 2, 3}, 20, never, List.of(), null, null, null, null, null, Duration.ZERO);
    try (MemoryPeers peers = new MemoryPeers("a", "b", "app")) {
      peers.serve("a", "b");
      GenerationResult result = peers.peer("a").callers.submit(asked).await();
      assertThat(result.usage().outputTokens()).isPositive();
      Generation refused = peers.peer("app").callers.submit(asked);
      assertThatThrownBy(refused::await)
          .isInstanceOf(InvalidRequestException.class)
          .hasMessageContaining("logits processor");
      peers.settle();
    }
  }

  @Test
  void noThreadIsLeftBehind() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "app")) {
      peers.serve("a", "b");
      assertThat(Asked.answer(Asked.of(5, 5, SAMPLED).on(peers.peer("app").callers)).tokens())
          .isNotEmpty();
    }
    MemoryPeers.eventually(() -> "threads are left: " + ours(), () -> ours().isEmpty());
  }

  private static List<String> ours() {
    List<String> names = new ArrayList<>();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.isAlive()
          && (thread.getName().startsWith("e2llm-") || thread.getName().startsWith("net-"))) {
        names.add(thread.getName());
      }
    }
    return names;
  }
}
