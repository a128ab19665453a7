package org.e2llm.transport.slice;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SliceFetchTest {
  private static final int MIB = 1 << 20;
  private static final long MS = 1_000_000L;
  private static final long TIMEOUT = 1000 * MS;

  /** Tensors of 4, 1, 4, 8 and 2 leaves: 0-3, 4, 5-8, 9-16, 17-18. */
  private final Leaves leaves = leaves(4, 1, 4, 8, 2);

  private final Asked asked = new Asked();
  private SliceOptions options = SliceOptions.defaults().withTimeout(Duration.ofSeconds(1));
  private SliceFetch fetch = fetch(0);
  private long now = 5_000 * MS;

  @Test
  void nothingIsAskedForBeforeItsHashesAreKnown() {
    fetch = new SliceFetch(leaves, new BitSet(), set(1), options, 0);
    fetch.aim(all(), set());
    fetch.announced("a", all(), now);
    decide();
    assertThat(asked.hashes.get("a")).containsExactly(0, 2, 3, 4);
    assertThat(asked.leaves.get("a")).containsExactly(4);
    fetch.hashesArrived("a", 2, now);
    decide();
    assertThat(asked.leaves.get("a")).containsExactly(4, 5, 6, 7);
  }

  @Test
  void onlyWhatIsWantedAndMissingIsAskedFor() {
    fetch = new SliceFetch(leaves, set(5, 6), known(), options, 0);
    fetch.aim(range(5, 9), set());
    fetch.announced("a", all(), now);
    finish("a");
    assertThat(asked.all).containsExactly(7, 8);
    assertThat(fetch.isComplete()).isTrue();
    assertThat(fetch.progress()).isEqualTo(new SliceProgress(4 * MIB, 4 * MIB));
  }

  @Test
  void whatFewPeersHoldComesFirst() {
    fetch.aim(all(), set());
    fetch.announced("a", all(), now);
    fetch.announced("b", range(0, 9), now);
    fetch.announced("c", range(0, 5), now);
    decide();
    assertThat(asked.leaves.get("a")).containsExactly(9, 10, 11, 12);
    assertThat(asked.leaves.get("b")).containsExactly(5, 6, 7, 8);
    assertThat(asked.leaves.get("c")).containsExactly(0, 1, 2, 3);
  }

  @Test
  void devicesBeginAtDifferentPlaces() {
    List<List<Integer>> beginnings = new ArrayList<>();
    for (int seed = 0; seed < 5; seed++) {
      fetch = fetch(seed);
      asked.clear();
      fetch.aim(all(), set());
      fetch.announced("a", all(), now);
      decide();
      beginnings.add(asked.leaves.get("a"));
    }
    assertThat(beginnings).doesNotHaveDuplicates();
  }

  @Test
  void aPeerOwesNoMoreThanItsWindowWhichFollowsItsSpeed() {
    fetch.aim(all(), set());
    fetch.announced("quick", all(), now);
    decide();
    assertThat(owedBy("quick")).hasSize(4);
    now += 50 * MS;
    arrive("quick", 0);
    arrive("quick", 1);
    decide();
    assertThat(owedBy("quick")).hasSize(6);

    fetch = fetch(0);
    asked.clear();
    fetch.aim(all(), set());
    fetch.announced("slow", all(), now);
    decide();
    for (int i = 0; i < 3; i++) {
      now += 900 * MS;
      arrive("slow", owedBy("slow").get(0));
    }
    decide();
    assertThat(owedBy("slow")).hasSize(1);
  }

  @Test
  void allPeersTogetherOweNoMoreThanMemoryHolds() {
    options = new SliceOptions(5 * MIB, 24, 16, Duration.ofSeconds(1), MIB);
    fetch = fetch(0);
    fetch.aim(all(), set());
    for (String peer : List.of("a", "b", "c", "d")) {
      fetch.announced(peer, all(), now);
    }
    decide();
    assertThat(asked.all).hasSize(5);
    assertThat(asked.leaves.keySet()).hasSize(4);
  }

  @Test
  void whatAPeerOwesTooLongIsAskedForElsewhere() {
    fetch.aim(range(0, 4), set());
    fetch.announced("silent", all(), now);
    decide();
    now += TIMEOUT / 2;
    fetch.announced("other", range(0, 4), now);
    now += TIMEOUT / 2 + 1;
    decide();
    assertThat(asked.cancelled.get("silent")).containsExactlyInAnyOrder(0, 1, 2, 3);
    assertThat(owedBy("other")).containsExactlyInAnyOrder(0, 1, 2, 3);
    assertThat(owedBy("silent")).isEmpty();
  }

  @Test
  void aPeerThatWasLateIsTriedAgainLater() {
    fetch.aim(range(0, 4), set());
    fetch.announced("silent", all(), now);
    decide();
    now += TIMEOUT + 1;
    decide();
    assertThat(owedBy("silent")).isEmpty();
    now += TIMEOUT + 1;
    decide();
    assertThat(owedBy("silent")).hasSize(1);
    now += TIMEOUT + 1;
    decide();
    now += TIMEOUT + 1;
    decide();
    assertThat(owedBy("silent")).as("rests longer each time").isEmpty();
    now += TIMEOUT + 1;
    decide();
    assertThat(owedBy("silent")).hasSize(1);
  }

  @Test
  void whatALostPeerOwedIsAskedForElsewhere() {
    fetch.aim(range(0, 4), set());
    fetch.announced("a", all(), now);
    decide();
    fetch.announced("b", all(), now);
    fetch.lost("a");
    decide();
    assertThat(owedBy("b")).containsExactlyInAnyOrder(0, 1, 2, 3);
  }

  @Test
  void whoSentWrongBytesIsNeverAskedAgain() {
    fetch.aim(all(), set());
    fetch.announced("liar", all(), now);
    decide();
    asked.clear();
    fetch.exclude("liar");
    fetch.announced("liar", all(), now);
    decide();
    assertThat(asked.all).isEmpty();
    assertThat(fetch.withoutHolder()).isEqualTo(all());
    fetch.announced("b", all(), now);
    assertThat(fetch.withoutHolder().isEmpty()).isTrue();
  }

  @Test
  void aPeerThatDoesNotHaveWhatItSaidIsNotAskedForItAgain() {
    fetch.aim(set(4), set());
    fetch.announced("a", all(), now);
    decide();
    fetch.leafIsNotThere("a", 4, now);
    asked.clear();
    decide();
    assertThat(asked.all).isEmpty();
    assertThat(fetch.withoutHolder()).isEqualTo(set(4));
  }

  @Test
  void theLastLeavesOfASlowPeerAreAskedForTwiceAndTheSlowerOneIsCancelled() {
    fetch.aim(range(0, 4), set());
    fetch.announced("slow", all(), now);
    decide();
    assertThat(owedBy("slow")).hasSize(4);
    fetch.announced("quick", all(), now);
    decide();
    assertThat(owedBy("quick")).as("not at once").isEmpty();
    now += 700 * MS;
    decide();
    assertThat(owedBy("quick")).containsExactlyInAnyOrder(0, 1, 2, 3);
    decide();
    assertThat(owedBy("quick")).as("but not three times").hasSize(4);
    arrive("quick", 2);
    decide();
    assertThat(asked.cancelled.get("slow")).containsExactly(2);
    assertThat(owedBy("slow")).hasSize(3);
  }

  @Test
  void whenThePlanChangesWhatItDoesNotNeedIsCancelled() {
    fetch.aim(range(0, 4), set());
    fetch.announced("a", all(), now);
    decide();
    fetch.aim(range(2, 7), set());
    decide();
    assertThat(asked.cancelled.get("a")).containsExactlyInAnyOrder(0, 1);
    assertThat(owedBy("a")).containsExactlyInAnyOrder(2, 3, 4, 5);
  }

  @Test
  void standbyWaitsForThePlanAndForItsRate() {
    options = SliceOptions.defaults().withStandbyBytesPerSecond(2 * MIB);
    fetch = fetch(0);
    fetch.aim(range(0, 4), range(4, 17));
    fetch.announced("a", all(), now);
    decide();
    assertThat(asked.all).containsExactly(0, 1, 2, 3);
    now += 20 * MS;
    for (int leaf = 0; leaf < 4; leaf++) {
      arrive("a", leaf);
    }
    decide();
    assertThat(asked.all).as("a first one").hasSize(5);
    long start = now;
    int before = asked.all.size();
    while (now - start < 4_000 * MS) {
      now += 10 * MS;
      List.copyOf(owedBy("a")).forEach(leaf -> arrive("a", leaf));
      decide();
    }
    assertThat(asked.all.size() - before).isBetween(7, 8);
  }

  @Test
  void whatComesInAnotherWayIsNotAskedFor() {
    fetch.aim(all(), set());
    fetch.found(range(0, 17));
    fetch.announced("a", all(), now);
    decide();
    assertThat(asked.all).containsExactly(17, 18);
  }

  // ---- helpers

  private SliceFetch fetch(long seed) {
    return new SliceFetch(leaves, new BitSet(), known(), options, seed);
  }

  static Leaves leaves(int... counts) {
    int[] files = new int[counts.length];
    long[] offsets = new long[counts.length];
    long[] bytes = new long[counts.length];
    for (int i = 0; i < counts.length; i++) {
      bytes[i] = (long) counts[i] * MIB;
      offsets[i] = i == 0 ? 100 : offsets[i - 1] + bytes[i - 1];
    }
    return new Leaves(files, offsets, bytes);
  }

  private void decide() {
    fetch.decide(now, asked);
  }

  private void arrive(String peer, int leaf) {
    asked.leaves.get(peer).remove((Integer) leaf);
    fetch.arrived(peer, leaf, now);
  }

  private void finish(String peer) {
    decide();
    while (!asked.leaves.getOrDefault(peer, List.of()).isEmpty()) {
      now += MS;
      List.copyOf(asked.leaves.get(peer)).forEach(leaf -> arrive(peer, leaf));
      decide();
    }
  }

  private List<Integer> owedBy(String peer) {
    return asked.leaves.getOrDefault(peer, List.of());
  }

  private BitSet all() {
    return range(0, leaves.count());
  }

  private BitSet known() {
    return range(0, leaves.tensors());
  }

  private static BitSet range(int from, int to) {
    BitSet set = new BitSet();
    set.set(from, to);
    return set;
  }

  private static BitSet set(int... bits) {
    BitSet set = new BitSet();
    for (int bit : bits) {
      set.set(bit);
    }
    return set;
  }

  /** What was asked for and is owed. */
  static final class Asked implements SliceFetch.Requests {
    final Map<String, List<Integer>> hashes = new HashMap<>();
    final Map<String, List<Integer>> leaves = new HashMap<>();
    final Map<String, List<Integer>> cancelled = new HashMap<>();
    final List<Integer> all = new ArrayList<>();

    void clear() {
      hashes.clear();
      leaves.clear();
      cancelled.clear();
      all.clear();
    }

    @Override
    public void askHashes(String peer, int tensor) {
      hashes.computeIfAbsent(peer, p -> new ArrayList<>()).add(tensor);
    }

    @Override
    public void askLeaf(String peer, int leaf) {
      leaves.computeIfAbsent(peer, p -> new ArrayList<>()).add(leaf);
      all.add(leaf);
    }

    @Override
    public void cancelLeaf(String peer, int leaf) {
      cancelled.computeIfAbsent(peer, p -> new ArrayList<>()).add(leaf);
      leaves.get(peer).remove((Integer) leaf);
    }

    @Override
    public void cancelHashes(String peer, int tensor) {
      hashes.get(peer).remove((Integer) tensor);
    }
  }
}
