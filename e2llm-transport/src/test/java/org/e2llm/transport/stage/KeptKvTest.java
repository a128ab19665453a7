package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.Generation;
import org.e2llm.GenerationResult;
import org.e2llm.plan.HiddenType;
import org.e2llm.serving.CallerSessions;
import org.e2llm.serving.GenerationService;
import org.e2llm.serving.KvHold;
import org.e2llm.text.SamplingParams;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** KV caches that stay on a host: between turns, and for callers that may come back. */
@Timeout(30)
class KeptKvTest {
  private static final SamplingParams SAMPLED = SamplingParams.DEFAULT.withSeed(11);

  private static GenerationResult turn(CallerSessions callers, KvHold hold, Asked asked) {
    return callers.submit(asked.submission(null, hold)).await();
  }

  /** The second turn begins with the first one's prompt and answer, as a chat does. */
  private static Asked next(Asked before) {
    List<Integer> tokens = new ArrayList<>();
    for (int token : before.prompt()) {
      tokens.add(token);
    }
    before.alone().tokens().forEach(token -> tokens.add(token.id()));
    tokens.addAll(List.of(9, 8, 7));
    int[] prompt = tokens.stream().mapToInt(Integer::intValue).toArray();
    return new Asked(prompt, 12, SAMPLED.withSeed(12), List.of());
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "app"})
  void aTurnPrefillsOnlyWhatIsNew(String from) {
    Asked first = Asked.of(50, 10, SAMPLED);
    Asked second = next(first);
    try (MemoryPeers peers = new MemoryPeers("a", "b", "app")) {
      peers.serve("a", "b");
      CallerSessions callers = peers.peer(from).callers;
      KvHold hold = callers.hold();
      assertThat(turn(callers, hold, first).usage().cachedTokens()).isZero();
      GenerationResult result = turn(callers, hold, second);
      assertThat(result.text()).isEqualTo(second.alone().text());
      // The first turn's last token was sampled and not fed.
      int held = first.prompt().length + first.alone().tokens().size() - 1;
      assertThat(result.usage().cachedTokens()).isEqualTo(held);
      callers.release(hold);
      peers.settle();
    }
  }

  @Test
  void aHoldLostWithItsHostCostsAPrefillAndNoText() {
    Asked first = Asked.of(50, 10, SAMPLED);
    Asked second = next(first);
    try (MemoryPeers peers = new MemoryPeers("a", "b", "app")) {
      peers.serve("a", "b");
      CallerSessions callers = peers.peer("app").callers;
      KvHold hold = callers.hold();
      turn(callers, hold, first);
      peers.kill("a");
      GenerationResult result = turn(callers, hold, second);
      assertThat(result.text()).isEqualTo(second.alone().text());
      assertThat(result.usage().cachedTokens()).isZero();
      callers.release(hold);
      peers.settle();
    }
  }

  @Test
  void conversationsAreKeptInBoundedNumberAndTime() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "app")) {
      peers.serve("a", "b");
      CallerSessions callers = peers.peer("app").callers;
      for (int i = 0; i < HostedSessions.MOST_KEPT + 5; i++) {
        turn(callers, callers.hold(), Asked.of(3, 2, SAMPLED.withSeed(i)));
      }
      HostedSessions hosted = peers.peer("a").client.hosted();
      MemoryPeers.eventually("the oldest go", () -> hosted.size() == HostedSessions.MOST_KEPT);
      peers.pass(HostedSessions.KEPT_SECONDS - 1);
      hosted.tick();
      assertThat(hosted.size()).isEqualTo(HostedSessions.MOST_KEPT);
      peers.pass(2);
      hosted.tick();
      assertThat(hosted.size()).isZero();
      peers.settle();
    }
  }

  /** The clock of the fixture stands still, so that the caller is back in time. */
  @Test
  void aCallerThatComesBackGoesOnWithoutPrefill() {
    Asked asked = Asked.of(300, 60, SAMPLED);
    try (MemoryPeers peers = new MemoryPeers("a", "b", "app")) {
      peers.serve("a", "b");
      peers.watcher =
          (number, from, to, type) -> {
            if (type == StageFrames.TOKEN && peers.line("a", "app").frames.get() > 30) {
              peers.watcher = (n, f, t, y) -> {};
              peers.cut("a", "app");
              peers.join("a", "app");
            }
          };
      assertThat(Asked.answer(asked.on(peers.peer("app").callers))).isEqualTo(asked.alone());
      // 19 chunks of the prompt once, and a step per token; a second prefill would be 19 more.
      assertThat(peers.peer("a").batches.get()).isLessThan(19 + 60 + 15);
      peers.settle();
    }
  }

  @Test
  void aCallerThatIsKilledIsForgottenOnEveryStage() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "app")) {
      peers.serve("a", "b", "c");
      Generation generation = Asked.of(20, 1500, SAMPLED).on(peers.peer("app").callers);
      assertThat(generation.iterator().next().position()).isEqualTo(20);
      peers.kill("app");
      HostedSessions hosted = peers.peer("a").client.hosted();
      peers.pass(HostedSessions.GRACE_SECONDS - 1);
      hosted.tick();
      peers.settle();
      assertThat(peers.peer("c").openSessions()).isZero();
    }
  }

  /** Whoever takes no tokens gets no further ones: the others go on meanwhile. */
  @Test
  void theLastStageRunsNoMoreThan32TokensAhead() {
    Asked asked = Asked.of(5, 200, SAMPLED);
    try (MemoryPeers peers = new MemoryPeers("a", "b", "other", "app")) {
      peers.serve("a", "b");
      peers.watcher =
          (number, from, to, type) -> {
            if (type == StageFrames.PREFILLED) {
              peers.freeze("app");
            }
          };
      Generation slow = asked.on(peers.peer("app").callers);
      MemoryPeers.eventually("app freezes", () -> peers.peer("app").frozen());
      peers.watcher = (number, from, to, type) -> {};
      Asked long300 = Asked.of(5, 300, SAMPLED.withSeed(3));
      assertThat(Asked.answer(long300.on(peers.peer("other").callers))).isEqualTo(long300.alone());
      assertThat(peers.peer("app").held())
          .isBetween(GenerationService.MOST_AHEAD / 2, GenerationService.MOST_AHEAD + 2);
      peers.peer("app").thaw();
      assertThat(Asked.answer(slow)).isEqualTo(asked.alone());
      peers.settle();
    }
  }

  /** Rounding is by row, so that what else is in a batch changes nothing; F32 loses nothing. */
  @ParameterizedTest
  @EnumSource(HiddenType.class)
  void aSessionsTextDoesNotDependOnItsCompany(HiddenType type) {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "app")) {
      peers.hidden = type;
      peers.serve("a", "b");
      Asked asked = Asked.of(40, 30, SAMPLED);
      Asked.Answer byItself = Asked.answer(asked.on(peers.peer("app").callers));
      List<Generation> all = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        all.add((i == 3 ? asked : Asked.of(i * 9 + 1, 30, SAMPLED)).on(peers.peer("app").callers));
      }
      assertThat(Asked.answer(all.get(3))).isEqualTo(byItself);
      if (type == HiddenType.F32) {
        assertThat(byItself).isEqualTo(asked.alone());
      } else {
        assertThat(byItself).isNotEqualTo(asked.alone());
      }
      all.forEach(Generation::await);
      peers.settle();
    }
  }
}
