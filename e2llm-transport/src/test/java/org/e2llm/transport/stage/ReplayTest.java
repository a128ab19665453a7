package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.e2llm.DeviceLostException;
import org.e2llm.Generation;
import org.e2llm.pipeline.Batch;
import org.e2llm.plan.HiddenType;
import org.e2llm.serving.GenerationService;
import org.e2llm.text.SamplingParams;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Devices are lost and spare ones take their layers: those that are left keep what they have of a
 * session, and compute again only what a stage behind them needs.
 */
@Timeout(30)
class ReplayTest {
  private static final SamplingParams SAMPLED = SamplingParams.DEFAULT.withSeed(4);
  private static final Asked ASKED = Asked.of(100, 150, SAMPLED);

  /** Fed positions: all but the last token's. */
  private static final int POSITIONS = 100 + 150 - 1;

  /** Stages may have computed so much that the caller had not got when a device was lost. */
  private static final int UNDER_WAY = GenerationService.MOST_AHEAD;

  /** The least that a session had reached when a device was lost, in these tests. */
  private static final int REACHED = 150;

  /** Counts how often each device computes each position of the one session there is. */
  private static final class Counted {
    private final Map<String, Map<Integer, Integer>> times = new TreeMap<>();

    Counted(MemoryPeers peers) {
      for (MemoryPeer peer : peers.all()) {
        Map<Integer, Integer> own = new ConcurrentHashMap<>();
        times.put(peer.name(), own);
        peer.computing = batch -> count(batch, own);
      }
    }

    private static void count(Batch batch, Map<Integer, Integer> own) {
      for (Batch.Slice slice : batch.slices()) {
        for (int i = 0; i < slice.length(); i++) {
          own.merge(slice.start() + i, 1, Integer::sum);
        }
      }
    }

    /** Positions that the device computed more than once. */
    long again(String device) {
      return times.get(device).values().stream().filter(count -> count > 1).count();
    }

    int positions(String device) {
      return times.get(device).size();
    }
  }

  /** Does something once, when the {@code count}th frame of {@code type} is about to arrive. */
  private static MemoryPeers.Watcher at(byte type, int count, Runnable what) {
    AtomicInteger seen = new AtomicInteger();
    return (number, from, to, frame) -> {
      if (frame == type && seen.incrementAndGet() == count) {
        what.run();
      }
    };
  }

  private static MemoryPeers peers(String... spares) {
    return peers(1 << 20, spares);
  }

  private static MemoryPeers peers(long journalBytes, String... spares) {
    MemoryPeers peers = new MemoryPeers("a", "b", "c", "d", "e", "f", "app");
    peers.journalBytes = journalBytes;
    peers.afterAll = true;
    peers.keepLayers(spares);
    peers.serve("a", "b", "c", "d");
    return peers;
  }

  private static void runs(MemoryPeers peers) {
    assertThat(Asked.answer(ASKED.on(peers.peer("app").callers))).isEqualTo(ASKED.alone());
  }

  private static void assertAgain(Counted counted, String again, String... devices) {
    for (String device : devices) {
      if (again.contains(device)) {
        assertThat(counted.again(device)).as(device).isBetween((long) REACHED, (long) POSITIONS);
      } else {
        assertThat(counted.again(device)).as(device).isLessThanOrEqualTo(UNDER_WAY);
      }
    }
  }

  /** The one before the lost one computes again, from its journal or from the tokens. */
  @ParameterizedTest(name = "{0} is lost, {1} compute again")
  @CsvSource({"a, ''", "b, a", "c, b", "d, c"})
  void onlyTheStageBeforeALostOneComputesAgain(String victim, String again) {
    try (MemoryPeers peers = peers("e")) {
      Counted counted = new Counted(peers);
      peers.watcher = at(StageFrames.TOKEN, 80, () -> peers.kill(victim));
      runs(peers);
      List<String> survivors = new ArrayList<>(List.of("a", "b", "c", "d"));
      survivors.remove(victim);
      assertAgain(counted, again, survivors.toArray(new String[0]));
      assertThat(counted.positions("e")).isEqualTo(POSITIONS);
      assertThat(counted.again("e")).isZero();
      peers.settle();
    }
  }

  /** All in front of it then compute again, none behind it. */
  @ParameterizedTest(name = "{0} is lost, {1} compute again")
  @CsvSource({"a, ''", "b, a", "c, ab", "d, abc"})
  void withoutJournalsAReplayBeginsWithTheTokens(String victim, String again) {
    try (MemoryPeers peers = peers(0, "e")) {
      Counted counted = new Counted(peers);
      peers.watcher = at(StageFrames.TOKEN, 80, () -> peers.kill(victim));
      runs(peers);
      List<String> survivors = new ArrayList<>(List.of("a", "b", "c", "d"));
      survivors.remove(victim);
      assertAgain(counted, again, survivors.toArray(new String[0]));
      peers.settle();
    }
  }

  /** A page of positions fits, and the session has more: such a journal is worth nothing. */
  @Test
  void aJournalThatIsFullIsNotRead() {
    try (MemoryPeers peers = peers(2000, "e")) {
      Counted counted = new Counted(peers);
      peers.watcher = at(StageFrames.TOKEN, 80, () -> peers.kill("c"));
      runs(peers);
      assertAgain(counted, "ab", "a", "b", "d");
      peers.settle();
    }
  }

  @ParameterizedTest(name = "{0} and {1} are lost, {2} compute again")
  @CsvSource({"a, b, ''", "b, c, a", "c, d, b", "b, d, ac", "a, d, bc"})
  void twoAreLostAtOnce(String one, String other, String again) {
    try (MemoryPeers peers = peers("e", "f")) {
      Counted counted = new Counted(peers);
      peers.watcher = at(StageFrames.TOKEN, 80, () -> peers.killTogether(one, other));
      runs(peers);
      List<String> survivors = new ArrayList<>(List.of("a", "b", "c", "d"));
      survivors.removeAll(List.of(one, other));
      assertAgain(counted, again, survivors.toArray(new String[0]));
      peers.settle();
    }
  }

  /** What says that a ring is over comes to a device before what sets its stage up. */
  @Test
  void aRingThatBreaksWhileItIsSentOutLeavesNoStage() {
    CountDownLatch over = new CountDownLatch(1);
    try (MemoryPeers peers = peers("e", "f")) {
      peers.watcher =
          at(
              StageFrames.TOKEN,
              80,
              () -> {
                peers.leaving = (from, to, type) -> closesBeforeItOpens(peers, to, type, over);
                peers.kill("c"); // e takes its place
              });
      runs(peers);
      assertThat(over.getCount()).isZero();
      peers.settle();
    }
  }

  private static void closesBeforeItOpens(
      MemoryPeers peers, String to, byte type, CountDownLatch over) {
    if (type == StageFrames.RING_OPEN && to.equals("b")) {
      peers.kill("d"); // f takes its place
      MemoryPeers.hangUntil(over);
    } else if (type == StageFrames.RING_CLOSE && to.equals("e")) {
      over.countDown(); // b was told before
    }
  }

  /** The stage that takes what was lost has a journal of its own input, or computes it. */
  @ParameterizedTest(name = "{0} is lost, {1} compute again")
  @CsvSource({"a, b", "b, a", "c, b", "d, c"})
  void aNeighbourTakesTheLayersOfTheLostOne(String victim, String again) {
    try (MemoryPeers peers = peers()) {
      Counted counted = new Counted(peers);
      peers.watcher = at(StageFrames.TOKEN, 80, () -> peers.kill(victim));
      runs(peers);
      List<String> survivors = new ArrayList<>(List.of("a", "b", "c", "d"));
      survivors.remove(victim);
      String taker = victim.equals("d") ? "c" : String.valueOf((char) (victim.charAt(0) + 1));
      assertAgain(counted, again + taker, survivors.toArray(new String[0]));
      peers.settle();
    }
  }

  /** Every stage still has everything. */
  @ParameterizedTest
  @CsvSource({"a, b", "b, c", "d, a"})
  void aConnectionThatEndsAndComesBackCostsNoComputing(String one, String other) {
    try (MemoryPeers peers = peers()) {
      Counted counted = new Counted(peers);
      peers.watcher = at(StageFrames.TOKEN, 80, () -> peers.reconnect(one, other));
      runs(peers);
      assertAgain(counted, "", "a", "b", "c", "d");
      peers.settle();
    }
  }

  /**
   * Its net thread goes on, so that the next ring has it too, until it finds out itself that it
   * hangs; that ring is never whole. What the others have outlives both.
   */
  @Test
  void aDeviceThatHangsWhileTheNextRingIsSetUpCostsTheOthersNothing() {
    CountDownLatch end = new CountDownLatch(1);
    try (MemoryPeers peers = peers("e")) {
      peers.afterAll = false;
      Counted counted = new Counted(peers);
      Generation generation = hangsInTheNextRing(peers, end);
      peers.pass(60);
      for (String device : List.of("a", "b", "d")) {
        peers.peer(device).stages.tick();
        assertThat(peers.peer(device).openSessions()).as(device).isEqualTo(1);
      }
      peers.hurry(generation::isDone);
      assertThat(Asked.answer(generation)).isEqualTo(ASKED.alone());
      assertAgain(counted, "b", "a", "b", "d");
      assertThat(counted.positions("e")).isEqualTo(POSITIONS);
      end.countDown();
      peers.settle();
    } finally {
      end.countDown();
    }
  }

  /** Then nobody comes for what the ring that is being set up has taken over. */
  @Test
  void aCallerThatIsLostWhileARingIsSetUpLeavesNothing() {
    CountDownLatch end = new CountDownLatch(1);
    try (MemoryPeers peers = peers("e")) {
      peers.afterAll = false;
      hangsInTheNextRing(peers, end);
      peers.kill("app");
      for (String device : List.of("a", "b", "d")) {
        MemoryPeers.eventually(
            device + " frees it",
            () -> {
              peers.pass(KeptStages.SECONDS);
              return peers.peer(device).openSessions() == 0;
            });
      }
      end.countDown();
      peers.settle();
    } finally {
      end.countDown();
    }
  }

  /** Device c hangs in a step, and the others have taken over what they had, in a ring with it. */
  private static Generation hangsInTheNextRing(MemoryPeers peers, CountDownLatch end) {
    Set<Long> before = peers.peer("d").stages.rings();
    AtomicInteger hanging = new AtomicInteger();
    Consumer<Batch> counts = peers.peer("c").computing;
    peers.watcher =
        at(
            StageFrames.TOKEN,
            80,
            () ->
                peers.peer("c").computing =
                    batch -> {
                      hanging.incrementAndGet();
                      MemoryPeers.hangUntil(end);
                      counts.accept(batch);
                    });
    Generation generation = ASKED.on(peers.peer("app").callers);
    MemoryPeers.eventually("a step hangs", () -> hanging.get() > 0);
    peers.hurry(() -> !peers.late().isEmpty());
    awaitNextRing(peers, before);
    return generation;
  }

  /** Until devices b and d have a stage of another ring than of these. */
  private static void awaitNextRing(MemoryPeers peers, Set<Long> before) {
    for (String device : List.of("b", "d")) {
      MemoryPeers.eventually(
          device + " has a stage of the next ring",
          () -> {
            Set<Long> rings = peers.peer(device).stages.rings();
            return !rings.isEmpty() && Collections.disjoint(rings, before);
          });
    }
  }

  /** It takes over from one that was lost, and never has its layers ready. */
  @Test
  void aDeviceThatHangsWhileItLoadsItsLayersCostsTheOthersNothing() {
    CountDownLatch end = new CountDownLatch(1);
    AtomicInteger loading = new AtomicInteger();
    try (MemoryPeers peers = peers("e", "f")) {
      peers.afterAll = false;
      Counted counted = new Counted(peers);
      peers.peer("e").loading =
          () -> {
            loading.incrementAndGet();
            MemoryPeers.hangUntil(end);
          };
      Set<Long> before = peers.peer("d").stages.rings();
      peers.watcher = at(StageFrames.TOKEN, 80, () -> peers.kill("c"));
      Generation generation = ASKED.on(peers.peer("app").callers);
      MemoryPeers.eventually("it loads", () -> loading.get() > 0);
      awaitNextRing(peers, before);
      peers.pass(60);
      peers.hurry(() -> peers.late().contains("e"));
      peers.hurry(generation::isDone);
      assertThat(Asked.answer(generation)).isEqualTo(ASKED.alone());
      assertAgain(counted, "b", "a", "b", "d");
      assertThat(counted.positions("f")).isEqualTo(POSITIONS);
      end.countDown();
      peers.settle();
    } finally {
      end.countDown();
    }
  }

  /** What came over the wire was rounded; what is read from a journal is that. */
  @ParameterizedTest
  @EnumSource(HiddenType.class)
  void aReplayGivesTheSameBits(HiddenType type) {
    Asked.Answer whole;
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "d", "e", "app")) {
      peers.hidden = type;
      peers.keepLayers("e");
      peers.serve("a", "b", "c", "d");
      whole = Asked.answer(ASKED.on(peers.peer("app").callers));
    }
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "d", "e", "app")) {
      peers.hidden = type;
      peers.keepLayers("e");
      peers.serve("a", "b", "c", "d");
      peers.watcher = at(StageFrames.TOKEN, 80, () -> peers.kill("c"));
      assertThat(Asked.answer(ASKED.on(peers.peer("app").callers))).isEqualTo(whole);
      peers.settle();
    }
  }

  /** When c has been lost and e, which takes over, has had some of the old positions. */
  private static void killInReplay(MemoryPeers peers, String device) {
    AtomicInteger replayed = new AtomicInteger();
    peers.watcher =
        at(
            StageFrames.TOKEN,
            80,
            () -> {
              peers.watcher =
                  (number, from, to, type) -> {
                    if (type == StageFrames.BATCH
                        && to.equals("e")
                        && replayed.incrementAndGet() == 4) {
                      peers.kill(device);
                    }
                  };
              peers.kill("c");
            });
  }

  /**
   * One that was to take over is lost in the middle of it, or one that computes for it. Without the
   * first stage it takes less to go on from where the replay had come than to begin it again.
   */
  @ParameterizedTest
  @CsvSource({"e, 32", "b, 32", "a, 149"})
  void anotherOneIsLostDuringTheReplay(String second, long mostAgain) {
    try (MemoryPeers peers = peers("e", "f")) {
      Counted counted = new Counted(peers);
      killInReplay(peers, second);
      runs(peers);
      assertThat(peers.peer(second).dead).isTrue();
      assertThat(counted.again("d")).isLessThanOrEqualTo(mostAgain);
      peers.settle();
    }
  }

  @Test
  void aCallerThatIsLostDuringTheReplayLeavesNothing() {
    try (MemoryPeers peers = peers("e")) {
      killInReplay(peers, "app");
      Generation generation = ASKED.on(peers.peer("app").callers);
      MemoryPeers.eventually("the caller is lost", () -> peers.peer("app").dead);
      peers.settle();
      assertThat(generation.isDone()).isFalse();
    }
  }

  /** Nobody comes for what the stages keep. */
  @Test
  void whatNobodyTakesOverIsFreed() {
    try (MemoryPeers peers = peers()) {
      peers.neverMend();
      peers.watcher = at(StageFrames.TOKEN, 80, () -> peers.kill("a"));
      Object outcome = Asked.outcome(ASKED.on(peers.peer("app").callers));
      assertThat(outcome).isInstanceOf(DeviceLostException.class);
      MemoryPeers.eventually("it is kept", () -> peers.peer("c").stages.keptSessions() == 1);
      peers.pass(KeptStages.SECONDS - 1);
      peers.peer("c").stages.tick();
      assertThat(peers.peer("c").openSessions()).isEqualTo(1);
      assertThat(peers.peer("c").stages.journalBytes()).isPositive();
      peers.pass(2);
      MemoryPeers.eventually("it is freed", () -> peers.peer("c").openSessions() == 0);
      peers.settle();
    }
  }

  /** New sessions have the memory that the plan gives them all: what waits is freed for them. */
  @Test
  void whatIsKeptDoesNotTakeTheMemoryOfOthers() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "app", "other")) {
      peers.kvTokens = 300;
      peers.serve("a", "b", "c");
      peers.watcher =
          at(
              StageFrames.TOKEN,
              80,
              () -> {
                peers.kill("app"); // who does not come for it
                peers.cut("a", "b");
                peers.join("a", "b");
              });
      ASKED.on(peers.peer("app").callers);
      MemoryPeers.eventually("the caller is lost", () -> peers.peer("app").dead);
      Asked asked = Asked.of(150, 60, SAMPLED);
      List<Integer> open = new ArrayList<>();
      peers.peer("c").computing = batch -> open.add(peers.peer("c").openSessions());
      assertThat(Asked.answer(asked.on(peers.peer("other").callers))).isEqualTo(asked.alone());
      assertThat(open.get(open.size() - 1)).isEqualTo(1);
      peers.settle();
    }
  }
}
