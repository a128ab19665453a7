package org.e2llm.transport.slice;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;

/**
 * Fetches among peers that come, go, lie, are silent, or do not have what they say, while plans
 * change; checked at every single request.
 */
class SliceFetchProperties {
  private static final long MS = 1_000_000L;
  private static final int PEERS = 5;

  @Property(tries = 400)
  void whateverHappensRequestsAreSensibleAndInTheEndAllIsThere(
      @ForAll @LongRange(min = 0, max = 1L << 40) long seed) {
    new World(seed).run();
  }

  private static final class World implements SliceFetch.Requests {
    private final SplittableRandom random;
    private final Leaves leaves;
    private final SliceOptions options;
    private final BitSet held = new BitSet();
    private final BitSet known = new BitSet();
    private final SliceFetch fetch;
    private BitSet wanted = new BitSet();
    private final Map<String, BitSet> holds = new HashMap<>();
    private final Map<String, List<Integer>> owed = new HashMap<>();
    private final Map<String, List<Integer>> hashesOwed = new HashMap<>();
    private final BitSet excluded = new BitSet();
    private long now = 1;
    private boolean calm;

    World(long seed) {
      random = new SplittableRandom(seed);
      int[] counts = new int[1 + random.nextInt(12)];
      for (int i = 0; i < counts.length; i++) {
        counts[i] = 1 + random.nextInt(20);
      }
      leaves = SliceFetchTest.leaves(counts);
      options =
          new SliceOptions(
              (1 + random.nextInt(20)) << 20,
              1 + random.nextInt(24),
              1 + random.nextInt(16),
              Duration.ofMillis(500),
              1 << 24);
      for (int tensor = 0; tensor < leaves.tensors(); tensor++) {
        known.set(tensor, leaves.count(tensor) == 1 || random.nextInt(4) == 0);
      }
      held.or(some(4));
      fetch =
          new SliceFetch(
              leaves, (BitSet) held.clone(), (BitSet) known.clone(), options, random.nextLong());
    }

    void run() {
      aim();
      for (int i = 0; i < 300; i++) {
        now += random.nextInt(1, 60) * MS;
        happen();
        fetch.decide(now, this);
      }
      calm = true;
      BitSet all = new BitSet();
      all.set(0, leaves.count());
      join("honest", all);
      int steps = 0;
      while (!fetch.isIdle()) {
        assertThat(steps++).as("ends").isLessThan(20_000);
        now += 20 * MS;
        serve("honest");
        fetch.decide(now, this);
      }
      BitSet missing = (BitSet) wanted.clone();
      missing.andNot(held);
      assertThat(missing.isEmpty()).isTrue();
      assertThat(fetch.progress().isComplete()).isTrue();
      for (String peer : owed.keySet()) {
        assertThat(owed.get(peer)).as("nothing is owed by %s", peer).isEmpty();
      }
    }

    private void happen() {
      String peer = "p" + random.nextInt(PEERS);
      switch (random.nextInt(12)) {
        case 0 -> join(peer, some(2));
        case 1 -> leave(peer);
        case 2 -> aim();
        case 3 -> {
          if (holds.containsKey(peer) && random.nextInt(8) == 0) {
            leave(peer);
            fetch.exclude(peer);
            excluded.set(peer.charAt(1) - '0');
          }
        }
        case 4 -> {
          if (!owed(peer).isEmpty()) {
            int leaf = owed(peer).remove(0);
            fetch.leafIsNotThere(peer, leaf, now);
            holds.get(peer).clear(leaf);
          }
        }
        case 5 -> {
          BitSet found = some(20);
          held.or(found);
          fetch.found(found);
        }
        case 6 -> now += 600 * MS;
        default -> serve(peer);
      }
    }

    private void join(String peer, BitSet has) {
      if (!peer.startsWith("p") || !excluded.get(peer.charAt(1) - '0')) {
        holds.put(peer, has);
      }
      fetch.announced(peer, (BitSet) has.clone(), now);
    }

    private void leave(String peer) {
      holds.remove(peer);
      owed(peer).clear();
      hashesOwed(peer).clear();
      fetch.lost(peer);
    }

    private void serve(String peer) {
      List<Integer> tensors = hashesOwed(peer);
      while (!tensors.isEmpty() && (calm || random.nextBoolean())) {
        int tensor = tensors.remove(0);
        known.set(tensor);
        fetch.hashesArrived(peer, tensor, now);
      }
      List<Integer> sent = owed(peer);
      while (!sent.isEmpty() && (calm || random.nextInt(4) > 0)) {
        int leaf = sent.remove(0);
        held.set(leaf);
        fetch.arrived(peer, leaf, now);
      }
    }

    private void aim() {
      BitSet plan = some(2);
      BitSet standby = some(3);
      wanted = (BitSet) plan.clone();
      wanted.or(standby);
      fetch.aim(plan, standby);
    }

    /** One in {@code oneIn} leaves, in runs. */
    private BitSet some(int oneIn) {
      BitSet set = new BitSet();
      for (int leaf = 0; leaf < leaves.count(); ) {
        int run = 1 + random.nextInt(8);
        set.set(leaf, Math.min(leaf + run, leaves.count()), random.nextInt(oneIn) == 0);
        leaf += run;
      }
      return set;
    }

    private List<Integer> owed(String peer) {
      return owed.computeIfAbsent(peer, p -> new ArrayList<>());
    }

    private List<Integer> hashesOwed(String peer) {
      return hashesOwed.computeIfAbsent(peer, p -> new ArrayList<>());
    }

    @Override
    public void askHashes(String peer, int tensor) {
      assertThat(holds).containsKey(peer);
      assertThat(known.get(tensor)).as("hashes are known").isFalse();
      assertThat(hashesOwed(peer)).doesNotContain(tensor).hasSizeLessThan(4);
      hashesOwed(peer).add(tensor);
    }

    @Override
    public void askLeaf(String peer, int leaf) {
      assertThat(held.get(leaf)).as("asked for what is here").isFalse();
      assertThat(wanted.get(leaf)).as("asked for what is not wanted").isTrue();
      assertThat(known.get(leaves.tensorOf(leaf))).as("hashes come first").isTrue();
      assertThat(holds).containsKey(peer);
      assertThat(holds.get(peer).get(leaf)).as("asked who has it").isTrue();
      assertThat(owed(peer)).doesNotContain(leaf).hasSizeLessThan(options.maxWindow());
      owed(peer).add(leaf);
      long owing = owed.values().stream().filter(list -> list.contains(leaf)).count();
      assertThat(owing).isLessThanOrEqualTo(2);
      int inFlight = owed.values().stream().mapToInt(List::size).sum();
      assertThat(inFlight).isLessThanOrEqualTo(options.maxLeavesInFlight());
      assertThat((inFlight - 1L) << 20).isLessThan(options.maxBytesInFlight());
    }

    @Override
    public void cancelLeaf(String peer, int leaf) {
      assertThat(owed(peer).remove((Integer) leaf)).as("cancelled what is owed").isTrue();
    }

    @Override
    public void cancelHashes(String peer, int tensor) {
      assertThat(hashesOwed(peer).remove((Integer) tensor)).as("cancelled what is owed").isTrue();
    }
  }
}
