package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collection;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.e2llm.Generation;
import org.e2llm.serving.SessionRouter;
import org.e2llm.text.SamplingParams;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A session that waits at a host goes to another one that can begin it. */
@Timeout(30)
class MoveTest {
  private static final Asked LONG = Asked.of(200, 100, SamplingParams.DEFAULT.withSeed(1));
  private static final Asked SHORT = Asked.of(20, 40, SamplingParams.DEFAULT.withSeed(2));

  /** All that comes goes to a; who waits there goes to p if {@code free}. */
  private static SessionRouter router(AtomicBoolean free) {
    return new SessionRouter() {
      @Override
      public String host(Request request, Collection<Placed> others) {
        return "a";
      }

      @Override
      public @Nullable String betterHost(String host, Request request, Collection<Placed> others) {
        assertThat(others).extracting(Placed::phase).doesNotContain(Phase.DECODES);
        return host.equals("a") && free.get() ? "p" : null;
      }

      @Override
      public @Nullable String promptHost(String host, Request request, Collection<Placed> others) {
        return null;
      }
    };
  }

  /**
   * Who came first is being computed at a, for as long as the test wants; the others wait there.
   */
  private static void whileTwoWait(AtomicBoolean free, Consumer<MemoryPeer> then) {
    CountDownLatch end = new CountDownLatch(1);
    try (MemoryPeers peers = new MemoryPeers("a", "p", "app");
        PromptPeers other = new PromptPeers(peers, "p")) {
      peers.serve("a");
      peers.router = router(free);
      MemoryPeer app = peers.peer("app");
      app.hosts(List.of("a", "p"));
      peers.peer("a").computing = batch -> MemoryPeers.hangUntil(end);
      Generation first = LONG.on(app.callers);
      MemoryPeers.eventually("the first begins", () -> peers.peer("a").batches.get() > 0);
      Generation second = SHORT.on(app.callers);
      Generation third = SHORT.on(app.callers);
      MemoryPeers.eventually(
          "the others wait", () -> peers.peer("a").client.hosted().service().stats().queued() == 2);
      then.accept(app);
      Asked.Answer alone = SHORT.alone();
      assertThat(Asked.answer(second)).isEqualTo(alone);
      assertThat(Asked.answer(third)).isEqualTo(alone);
      assertThat(peers.peer("a").batches).as("only the first was begun there").hasValue(1);
      end.countDown();
      assertThat(Asked.answer(first)).isEqualTo(LONG.alone());
      peers.settle();
    } finally {
      end.countDown();
    }
  }

  @Test
  void whoWaitsGoesWhereItCanBegin() {
    AtomicBoolean free = new AtomicBoolean();
    whileTwoWait(free, app -> free.set(true));
  }

  @Test
  void whoWaitsIsPlacedAgainWhenThereIsAnotherPlan() {
    whileTwoWait(
        new AtomicBoolean(),
        app -> {
          app.callers.hosts(List.of("p"), null, true);
        });
  }
}
