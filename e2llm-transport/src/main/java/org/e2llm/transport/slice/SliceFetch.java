package org.e2llm.transport.slice;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Decides which leaf is asked for from which peer. Events and the time go in, requests come out of
 * {@link #decide}; pure, for one thread, no allocation per leaf.
 *
 * <ul>
 *   <li>What the plan needs comes before standby, which has a limited rate.
 *   <li>Of tensors, the one that the fewest peers hold comes first. Where that does not decide,
 *       each device begins elsewhere, so that those who fetch the same soon have something for each
 *       other.
 *   <li>A peer owes no more than its window ({@link Holder}). What it owes too long is asked for
 *       elsewhere; a leaf that a slow peer still owes when a quicker one has nothing left to do is
 *       asked for twice, and taken from who is first.
 *   <li>A peer that sent wrong bytes is never asked again.
 *   <li>Leaves are asked for once the hashes of their tensor are known, not before.
 * </ul>
 */
final class SliceFetch {
  /** Where decisions go. */
  interface Requests {
    void askHashes(String peer, int tensor);

    void askLeaf(String peer, int leaf);

    /** The peer need not send this leaf any more. */
    void cancelLeaf(String peer, int leaf);

    /** Nor these hashes. */
    void cancelHashes(String peer, int tensor);
  }

  /** How often {@link #decide} wants to be called while something is missing, nanoseconds. */
  static final long TICK = 50_000_000L;

  private static final int HASHES_PER_PEER = 4;
  private static final long IMPATIENCE = 3;

  private final Leaves leaves;
  private final SliceOptions options;
  private final long timeout;
  private final long seed;
  private final RateLimit standbyRate;
  private final BitSet held;
  private final BitSet knownHashes;
  private final Map<String, Holder> holders = new LinkedHashMap<>();
  private final Set<String> excluded = new HashSet<>();

  private BitSet plan = new BitSet();
  private BitSet standby = new BitSet();

  /** Wanted, not held, and nobody owes it. */
  private final BitSet todo = new BitSet();

  /** How many peers owe each leaf, at most 2. */
  private final byte[] owing;

  private int inFlight;
  private long bytesInFlight;

  /** Tensors of which something is missing, in the order in which they are fetched. */
  private int[] order = new int[0];

  /** Of {@link #order}, how many are the plan's. */
  private int planTensors;

  private boolean orderIsOld;

  private long planBytes;
  private long planMissing;
  private long standbyBytes;
  private long standbyMissing;

  /**
   * @param held leaves that are here; the fetch's own from now on
   * @param knownHashes tensors whose hashes are known; the fetch's own from now on
   * @param seed of this device, so that devices begin at different places
   */
  SliceFetch(Leaves leaves, BitSet held, BitSet knownHashes, SliceOptions options, long seed) {
    this.leaves = leaves;
    this.held = held;
    this.knownHashes = knownHashes;
    this.options = options;
    this.timeout = options.timeout().toNanos();
    this.seed = seed;
    this.standbyRate = new RateLimit(options.standbyBytesPerSecond());
    this.owing = new byte[leaves.count()];
  }

  // ---- events

  /** What is wanted from now on; the rest is forgotten. */
  void aim(BitSet newPlan, BitSet newStandby) {
    plan = (BitSet) newPlan.clone();
    standby = (BitSet) newStandby.clone();
    standby.andNot(plan);
    todo.clear();
    for (int leaf = 0; leaf < leaves.count(); leaf++) {
      todo.set(leaf, isWanted(leaf) && owing[leaf] == 0);
    }
    orderIsOld = true;
    planBytes = leaves.bytes(plan);
    standbyBytes = leaves.bytes(standby);
    countMissing();
  }

  private void countMissing() {
    planMissing = leaves.bytes(missing(plan));
    standbyMissing = leaves.bytes(missing(standby));
  }

  /** A peer says which leaves it holds. */
  void announced(String peer, BitSet holds, long now) {
    if (excluded.contains(peer)) {
      return;
    }
    Holder holder = holders.get(peer);
    if (holder == null) {
      holders.put(peer, new Holder(peer, holds, options.maxWindow(), now));
    } else {
      holder.holds = holds;
    }
    orderIsOld = true;
  }

  /** The connection to a peer is gone, and with it what it owed. */
  void lost(String peer) {
    Holder holder = holders.remove(peer);
    if (holder != null) {
      release(holder);
      orderIsOld = true;
    }
  }

  /** A leaf came, was right and is written. */
  void arrived(String peer, int leaf, long now) {
    Holder holder = holders.get(peer);
    int at = holder == null ? -1 : holder.find(leaf);
    if (holder != null && at >= 0) {
      notOwed(leaf);
      holder.arrived(at, now);
    }
    if (!held.get(leaf)) {
      held.set(leaf);
      todo.clear(leaf);
      planMissing -= plan.get(leaf) ? leaves.bytes(leaf) : 0;
      standbyMissing -= standby.get(leaf) ? leaves.bytes(leaf) : 0;
    }
  }

  /** The hashes of a tensor came and were right. */
  void hashesArrived(String peer, int tensor, long now) {
    knownHashes.set(tensor);
    Holder holder = holders.get(peer);
    if (holder != null) {
      holder.hashes.clear(tensor);
      holder.heard(now);
    }
  }

  /** Leaves that came here in another way. */
  void found(BitSet others) {
    held.or(others);
    todo.andNot(others);
    countMissing();
  }

  /** A peer does not have a leaf that it had announced. */
  void leafIsNotThere(String peer, int leaf, long now) {
    Holder holder = holders.get(peer);
    int at = holder == null ? -1 : holder.find(leaf);
    if (holder != null && at >= 0) {
      holder.remove(at);
      holder.heard(now);
      holder.holds = (BitSet) holder.holds.clone();
      holder.holds.clear(leaf);
      notOwed(leaf);
      orderIsOld = true;
    }
  }

  /** A peer does not have the hashes of a tensor. */
  void hashesAreNotThere(String peer, int tensor, long now) {
    Holder holder = holders.get(peer);
    if (holder != null && holder.hashes.get(tensor)) {
      holder.hashes.clear(tensor);
      holder.noHashes.set(tensor);
      holder.heard(now);
    }
  }

  /** A peer sent wrong bytes: what it owes and holds is worth nothing. */
  void exclude(String peer) {
    excluded.add(peer);
    lost(peer);
  }

  // ---- what is to be seen

  boolean isComplete() {
    return planMissing == 0;
  }

  boolean isIdle() {
    return planMissing == 0 && standbyMissing == 0;
  }

  /** Of the plan. */
  SliceProgress progress() {
    return new SliceProgress(planBytes - planMissing, planBytes);
  }

  SliceProgress standbyProgress() {
    return new SliceProgress(standbyBytes - standbyMissing, standbyBytes);
  }

  /** Leaves of the plan that are missing and that nobody who may be asked holds. */
  BitSet withoutHolder() {
    BitSet orphans = missing(plan);
    for (Holder holder : holders.values()) {
      orphans.andNot(holder.holds);
    }
    return orphans;
  }

  boolean isExcluded(String peer) {
    return excluded.contains(peer);
  }

  private BitSet missing(BitSet wanted) {
    BitSet missing = (BitSet) wanted.clone();
    missing.andNot(held);
    return missing;
  }

  // ---- decisions

  /** Asks for what should be asked for now. */
  void decide(long now, Requests requests) {
    for (Holder holder : holders.values()) {
      cancelUnwanted(holder, requests);
      if (holder.isLate(now, timeout)) {
        giveUp(holder, requests);
        holder.failed(now, timeout);
      }
    }
    if (orderIsOld) {
      putInOrder();
    }
    boolean asked = true;
    while (asked) {
      asked = false;
      for (Holder holder : holders.values()) {
        asked |= !holder.rests(now) && ask(holder, now, requests);
      }
    }
  }

  private void giveUp(Holder holder, Requests requests) {
    for (int i = 0; i < holder.owed; i++) {
      requests.cancelLeaf(holder.peer, holder.leaves[i]);
    }
    BitSet hashes = holder.hashes;
    for (int tensor = hashes.nextSetBit(0); tensor >= 0; tensor = hashes.nextSetBit(tensor + 1)) {
      requests.cancelHashes(holder.peer, tensor);
    }
    release(holder);
  }

  private void cancelUnwanted(Holder holder, Requests requests) {
    for (int i = holder.owed - 1; i >= 0; i--) {
      int leaf = holder.leaves[i];
      if (!isWanted(leaf)) {
        requests.cancelLeaf(holder.peer, leaf);
        holder.remove(i);
        notOwed(leaf);
      }
    }
  }

  /** Asks one thing of a peer, if there is room and something to ask for. */
  private boolean ask(Holder holder, long now, Requests requests) {
    if (holder.hashes.cardinality() < HASHES_PER_PEER) {
      int tensor = nextWithoutHashes(holder);
      if (tensor >= 0) {
        holder.askedHashes(tensor, now);
        requests.askHashes(holder.peer, tensor);
        return true;
      }
    }
    boolean full =
        bytesInFlight >= options.maxBytesInFlight() || inFlight >= options.maxLeavesInFlight();
    if (full || !holder.hasRoom()) {
      return false;
    }
    int leaf = next(holder, 0, planTensors);
    if (leaf < 0 && !hasPlanFor(holder) && standbyRate.allows(now)) {
      leaf = next(holder, planTensors, order.length);
      if (leaf >= 0) {
        standbyRate.take(leaves.bytes(leaf));
      }
    }
    if (leaf < 0) {
      leaf = overdueElsewhere(holder, now);
    }
    if (leaf < 0) {
      return false;
    }
    owed(leaf);
    holder.asked(leaf, now);
    requests.askLeaf(holder.peer, leaf);
    return true;
  }

  /** Whether a peer has something for the plan, be it that hashes have to come first. */
  private boolean hasPlanFor(Holder holder) {
    for (int i = 0; i < planTensors; i++) {
      int tensor = order[i];
      if (next(holder, todo, leaves.first(tensor), leaves.first(tensor + 1)) >= 0) {
        return true;
      }
    }
    return false;
  }

  private int nextWithoutHashes(Holder holder) {
    for (int tensor : order) {
      int first = leaves.first(tensor);
      int end = leaves.first(tensor + 1);
      int missing = todo.nextSetBit(first);
      if (!knownHashes.get(tensor)
          && missing >= 0
          && missing < end
          && !holder.noHashes.get(tensor)
          && intersects(holder.holds, first, end)
          && !isAskedForHashes(tensor)) {
        return tensor;
      }
    }
    return -1;
  }

  private boolean isAskedForHashes(int tensor) {
    for (Holder holder : holders.values()) {
      if (holder.hashes.get(tensor)) {
        return true;
      }
    }
    return false;
  }

  /** The next leaf to ask a peer for, of the tensors from {@code from} on in the order. */
  private int next(Holder holder, int from, int to) {
    for (int i = from; i < to; i++) {
      int tensor = order[i];
      if (knownHashes.get(tensor)) {
        int first = leaves.first(tensor);
        int end = leaves.first(tensor + 1);
        int start = first + (int) Math.floorMod(seed, (long) (end - first));
        int leaf = next(holder, todo, start, end);
        leaf = leaf >= 0 ? leaf : next(holder, todo, first, start);
        if (leaf >= 0) {
          return leaf;
        }
      }
    }
    return -1;
  }

  private static int next(Holder holder, BitSet todo, int from, int to) {
    for (int leaf = todo.nextSetBit(from); leaf >= 0 && leaf < to; ) {
      int there = holder.holds.nextSetBit(leaf);
      if (there == leaf) {
        return leaf;
      }
      leaf = there < 0 ? -1 : todo.nextSetBit(there);
    }
    return -1;
  }

  /** The leaf of the plan that somebody else owes for the longest, and too long for this peer. */
  private int overdueElsewhere(Holder holder, long now) {
    long patience = IMPATIENCE * holder.latency();
    int found = -1;
    for (Holder other : holders.values()) {
      for (int i = 0; i < other.owed && other != holder; i++) {
        int leaf = other.leaves[i];
        long age = now - other.since[i];
        if (age > patience && owing[leaf] == 1 && plan.get(leaf) && holder.holds.get(leaf)) {
          patience = age;
          found = leaf;
        }
      }
    }
    return found;
  }

  private void putInOrder() {
    orderIsOld = false;
    BitSet missing = missing(plan);
    List<long[]> found = new ArrayList<>();
    addTensors(missing, 0, found);
    planTensors = found.size();
    addTensors(missing(standby), 1, found);
    found.sort(
        (a, b) -> {
          int byUse = Long.compare(a[0], b[0]);
          int byHolders = byUse != 0 ? byUse : Long.compare(a[1], b[1]);
          return byHolders != 0 ? byHolders : Long.compare(a[2], b[2]);
        });
    order = found.stream().mapToInt(key -> (int) key[3]).toArray();
  }

  /** Adds (use, holders, place, tensor) for each tensor of which something is missing. */
  private void addTensors(BitSet missing, int use, List<long[]> found) {
    for (int tensor = 0; tensor < leaves.tensors(); tensor++) {
      int first = leaves.first(tensor);
      int end = leaves.first(tensor + 1);
      if (intersects(missing, first, end)) {
        int count = 0;
        for (Holder holder : holders.values()) {
          count += intersects(holder.holds, first, end) ? 1 : 0;
        }
        long place = Math.floorMod(tensor - seed, (long) leaves.tensors());
        found.add(new long[] {use, count, place, tensor});
      }
    }
  }

  private static boolean intersects(BitSet set, int from, int to) {
    int next = set.nextSetBit(from);
    return next >= 0 && next < to;
  }

  // ---- who owes what

  private boolean isWanted(int leaf) {
    return !held.get(leaf) && (plan.get(leaf) || standby.get(leaf));
  }

  private void owed(int leaf) {
    todo.clear(leaf);
    owing[leaf]++;
    inFlight++;
    bytesInFlight += leaves.bytes(leaf);
  }

  private void notOwed(int leaf) {
    owing[leaf]--;
    inFlight--;
    bytesInFlight -= leaves.bytes(leaf);
    todo.set(leaf, isWanted(leaf) && owing[leaf] == 0);
  }

  /** Takes back all that a peer owes. */
  private void release(Holder holder) {
    for (int i = 0; i < holder.owed; i++) {
      notOwed(holder.leaves[i]);
    }
    holder.owed = 0;
    holder.hashes.clear();
  }
}
