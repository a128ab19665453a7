package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collection;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.e2llm.Generation;
import org.e2llm.serving.SessionRouter;
import org.e2llm.testing.FakeStage;
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

  @Test
  void whoWaitsGoesWhereItCanBegin() {
    CountDownLatch end = new CountDownLatch(1);
    AtomicBoolean free = new AtomicBoolean();
    try (MemoryPeers peers = new MemoryPeers("a", "p", "app")) {
      peers.kvBytes = 400L * MemoryPeers.LAYERS * FakeStage.BYTES_PER_POSITION;
      try (PromptPeers other = new PromptPeers(peers, "p")) {
        peers.serve("a");
        peers.router = router(free);
        MemoryPeer app = peers.peer("app");
        app.hosts(List.of("a", "p"));
        peers.peer("a").computing = batch -> MemoryPeers.hangUntil(end);
        Generation first = LONG.on(app.callers);
        MemoryPeers.eventually("the first begins", () -> peers.peer("a").batches.get() > 0);
        Generation second = SHORT.on(app.callers);
        Generation third = SHORT.on(app.callers);
        free.set(true);
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
  }
}
