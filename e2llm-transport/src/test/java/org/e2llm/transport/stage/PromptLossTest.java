package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.e2llm.Generation;
import org.e2llm.text.SamplingParams;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A hand-off breaks off: what did not come is computed where it decodes, with the same text. */
@Timeout(30)
class PromptLossTest {
  private static final SamplingParams SAMPLED = SamplingParams.DEFAULT.withSeed(42);
  private static final Asked LONG = Asked.of(400, 30, SAMPLED);

  /** Does something once, before the {@code count}th frame of {@code type} arrives. */
  private static MemoryPeers.Watcher at(byte type, int count, Runnable what) {
    AtomicInteger seen = new AtomicInteger();
    return (number, from, to, frame) -> {
      if (frame == type && seen.incrementAndGet() == count) {
        what.run();
      }
    };
  }

  @ParameterizedTest(name = "{0} before frame {2} of type {1}")
  @CsvSource({
    "p, 0x4a, 1", // the prompt is asked for
    "p, 0x4c, 1", // it begins
    "p, 0x28, 12", // chunks between its stages
    "q, 0x28, 12",
    "p, 0x40, 1", // pieces
    "q, 0x40, 3",
    "p, 0x4e, 4", // pieces that were taken
    "b, 0x40, 2",
    "a, 0x40, 3",
    "b, 0x48, 1", // pieces are expected
    "p, 0x4b, 1", // it is done
  })
  void aDeviceIsLost(String victim, String type, int count) {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "p", "q", "app");
        PromptPeers other = new PromptPeers(peers, "p", "q")) {
      peers.serve("a", "b");
      peers.watcher = at(Byte.decode(type), count, () -> peers.kill(victim));
      assertThat(Asked.answer(LONG.on(peers.peer("app").callers))).isEqualTo(LONG.alone());
      assertThat(peers.peer(victim).dead).isTrue();
      peers.settle();
    }
  }

  @ParameterizedTest
  @CsvSource({"p, a", "p, b", "q, a", "q, b", "p, q", "a, b"})
  void aConnectionEndsAndComesBack(String one, String another) {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "p", "q", "app");
        PromptPeers other = new PromptPeers(peers, "p", "q")) {
      peers.serve("a", "b");
      peers.watcher =
          at(
              KvFrames.KV_PIECE,
              2,
              () -> {
                peers.cut(one, another);
                peers.join(one, another);
              });
      assertThat(Asked.answer(LONG.on(peers.peer("app").callers))).isEqualTo(LONG.alone());
      peers.settle();
    }
  }

  /** What came before the loss is not computed again. */
  @Test
  void whatHasArrivedIsKept() {
    try (MemoryPeers peers = new MemoryPeers("a", "p", "app");
        PromptPeers other = new PromptPeers(peers, "p")) {
      peers.serve("a");
      // Pieces of 128 and more positions; the second one is lost.
      peers.watcher = at(KvFrames.KV_PIECE, 2, () -> peers.kill("p"));
      Asked.Answer answer = Asked.answer(LONG.on(peers.peer("app").callers));
      assertThat(answer).isEqualTo(LONG.alone());
      int computed = peers.peer("a").rows.get() - answer.tokens().size() + 1;
      assertThat(computed).isLessThanOrEqualTo(400 - 128).isGreaterThan(1);
      assertThat(peers.peer("a").kv.counts().broken()).isEqualTo(1);
      peers.settle();
    }
  }

  /** What comes is not what was expected: refused, and computed here. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
  void aPieceThatDoesNotFitIsRefused(int seed) {
    Random random = new Random(seed);
    AtomicInteger seen = new AtomicInteger();
    int mangled = 1 + random.nextInt(4);
    try (MemoryPeers peers = new MemoryPeers("a", "b", "p", "q", "app");
        PromptPeers other = new PromptPeers(peers, "p", "q")) {
      peers.serve("a", "b");
      peers.pieces = piece -> seen.incrementAndGet() == mangled ? mangled(piece, random) : piece;
      assertThat(Asked.answer(LONG.on(peers.peer("app").callers))).isEqualTo(LONG.alone());
      assertThat(peers.peer("a").kv.counts().broken()).isEqualTo(1);
      peers.settle();
    }
  }

  /** Behind the number of the hand-off: its head changed, or cut, or something added. */
  private static byte[] mangled(byte[] piece, Random random) {
    switch (random.nextInt(3)) {
      case 0 -> {
        byte[] changed = piece.clone();
        changed[8 + random.nextInt(17)] ^= (byte) (1 << random.nextInt(8));
        return changed;
      }
      case 1 -> {
        return Arrays.copyOf(piece, 8 + random.nextInt(piece.length - 8));
      }
      default -> {
        return Arrays.copyOf(piece, piece.length + 1 + random.nextInt(40));
      }
    }
  }

  /** Its connections stay, and nothing comes over them. */
  @ParameterizedTest
  @ValueSource(strings = {"0x4a", "0x40"})
  void aPromptHostThatSaysNothingIsNotWaitedForLong(String when) {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "p", "app");
        PromptPeers other = new PromptPeers(peers, "p")) {
      peers.serve("a", "b");
      peers.watcher = at(Byte.decode(when), 1, () -> peers.freeze("p"));
      Generation generation = LONG.on(peers.peer("app").callers);
      MemoryPeers.eventually("p is frozen", () -> peers.peer("p").frozen());
      MemoryPeers.eventually(
          "the rest is computed here",
          () -> {
            peers.pass(1);
            return peers.peer("a").kv.counts().broken() == 1;
          });
      assertThat(Asked.answer(generation)).isEqualTo(LONG.alone());
      peers.peer("p").thaw();
      peers.settle();
    }
  }

  @Test
  void aPromptHostMayRefuse() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "p", "app")) {
      peers.kvBytes = 300L * MemoryPeers.LAYERS * 8;
      try (PromptPeers other = new PromptPeers(peers, "p")) {
        peers.kvBytes = 64L << 20;
        peers.serve("a", "b");
        assertThat(Asked.answer(LONG.on(peers.peer("app").callers))).isEqualTo(LONG.alone());
        assertThat(peers.peer("p").rows).as("it has not enough memory").hasValue(0);
        peers.settle();
      }
    }
  }

  @Test
  void aCancelledSessionEndsItsPrompt() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "p", "q", "app");
        PromptPeers other = new PromptPeers(peers, "p", "q")) {
      peers.serve("a", "b");
      Asked endless = Asked.of(1500, 30, SAMPLED);
      Generation generation = endless.on(peers.peer("app").callers);
      MemoryPeers.eventually("it is computed", () -> peers.peer("q").rows.get() > 100);
      generation.cancel();
      generation.await();
      peers.settle();
    }
  }
}
