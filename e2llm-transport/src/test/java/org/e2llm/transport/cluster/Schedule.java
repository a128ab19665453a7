package org.e2llm.transport.cluster;

import static org.e2llm.transport.cluster.World.MS;
import static org.e2llm.transport.cluster.World.SECOND;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * One random history of a cluster of 2 to 5 peers: they start, some seconds of trouble follow, then
 * the network stays as it is, and what must be true at last has to become true in time.
 */
final class Schedule {
  /** How long a cluster may take to agree again once the network keeps still. */
  static final long BOUND = 20 * SECOND;

  private static final long TROUBLE = 12 * SECOND;
  private static final long STEP = 500 * MS;
  private static final long QUIET = 3 * SECOND;
  private static final long WATCHED = 6 * SECOND;

  private final World world;
  private final SplittableRandom random;
  private final int size;
  private int troubles;
  private int starts;

  /** Messages but heartbeats, in all. */
  long messages;

  /** Virtual time until all agreed after the trouble. */
  long agreedAfter;

  int plans;

  /**
   * @param trace prints the history
   */
  Schedule(long seed, boolean trace) {
    size = 2 + (int) Math.floorMod(seed, 4L);
    world = new World(seed, size, trace);
    random = world.random;
  }

  void run() {
    world.loss = random.nextInt(3) == 0 ? 0 : random.nextDouble(0.25);
    world.doubled = random.nextInt(2) == 0 ? 0 : random.nextDouble(0.2);
    world.longest = random.nextInt(4) == 0 ? 400 * MS : 20 * MS;
    int least = 1 + random.nextInt(2);
    for (SimPeer peer : world.peers) {
      peer.leastDevices = least;
      if (random.nextInt(6) == 0) {
        peer.info = peer.info.withSharing(Sharing.NONE);
      }
      world.at(world.between(0, SECOND), () -> start(peer));
    }
    troubles = random.nextInt(9);
    for (int i = 0; i < troubles; i++) {
      world.at(world.between(0, TROUBLE), this::trouble);
    }
    world.runUntil(TROUBLE);
    calm();
    agree();
    staysAgreed();
    messages = world.messages;
    for (SimPeer peer : world.peers) {
      plans += peer.plansAsked;
    }
    if (messages > allowedMessages()) {
      throw new AssertionError(
          messages + " messages with " + size + " peers and " + troubles + " troubles");
    }
  }

  /** A generous bound that a storm would break: every trouble may make everybody tell everybody. */
  private long allowedMessages() {
    long seconds = world.now / SECOND + 1;
    return size * seconds * 6 + (long) (troubles + size) * size * size * 40;
  }

  private void start(SimPeer peer) {
    if (peer.isUp()) {
      return;
    }
    // Now and then a clock that went back; but no two runs start with the same.
    long right = 1_000 + world.now / MS;
    long clock = random.nextInt(5) == 0 ? random.nextLong(right) : right;
    starts++;
    peer.start(1_000 * clock + 10 * starts);
    for (int other = 0; other < size; other++) {
      // One of two has the other's address, whatever else they forgot.
      if (other < peer.index) {
        peer.seed(other, 3 * SECOND);
      }
    }
  }

  private void trouble() {
    SimPeer peer = world.peers.get(random.nextInt(size));
    SimPeer other = world.peers.get((peer.index + 1 + random.nextInt(size - 1)) % size);
    int kind = random.nextInt(13);
    world.trace(() -> "trouble " + kind + " at " + peer.id + ", " + other.id);
    switch (kind) {
      case 0 -> end(peer, false);
      case 1 -> end(peer, true);
      case 2, 3 -> freeze(peer);
      case 4 -> world.reset(peer.index, other.index);
      case 5 -> world.cut(peer.index, other.index, true);
      case 6, 7 -> split();
      case 8 -> heal();
      case 9 -> pauseOrResume(peer);
      case 10 -> profileOrWish(peer);
      case 11 -> force(peer);
      default -> restartAtOnce(peer);
    }
  }

  private void end(SimPeer peer, boolean orderly) {
    if (!peer.isUp()) {
      return;
    }
    if (orderly && peer.runs()) {
      peer.leave();
    } else {
      peer.crash();
    }
    if (random.nextInt(3) > 0) {
      long latest = Math.max(TROUBLE, world.now);
      world.at(Math.min(latest, world.now + random.nextLong(8 * SECOND)), () -> start(peer));
    }
  }

  private void restartAtOnce(SimPeer peer) {
    if (peer.isUp()) {
      peer.crash();
      long latest = Math.max(TROUBLE, world.now);
      world.at(Math.min(latest, world.now + random.nextLong(800 * MS)), () -> start(peer));
    }
  }

  private void freeze(SimPeer peer) {
    if (peer.runs()) {
      peer.freeze();
      int run = peer.run();
      world.in(
          world.between(200 * MS, 9 * SECOND),
          () -> {
            if (peer.run() == run && peer.isFrozen()) {
              peer.thaw();
            }
          });
    }
  }

  /** Two parts that do not reach each other; connections between them fall silent or break. */
  private void split() {
    int side = random.nextInt(1 << size);
    boolean silent = random.nextBoolean();
    for (int a = 0; a < size; a++) {
      for (int b = 0; b < a; b++) {
        if (((side >> a) & 1) != ((side >> b) & 1)) {
          if (!silent) {
            world.reset(a, b);
          }
          world.cut(a, b, true);
        }
      }
    }
  }

  private void heal() {
    for (int a = 0; a < size; a++) {
      for (int b = 0; b < a; b++) {
        world.cut(a, b, false);
      }
    }
  }

  private void pauseOrResume(SimPeer peer) {
    Sharing sharing = peer.info.sharing() == Sharing.ACTIVE ? Sharing.PAUSED : Sharing.ACTIVE;
    peer.info(peer.info.withSharing(sharing));
  }

  private void profileOrWish(SimPeer peer) {
    PeerInfo info = peer.info;
    int wish = random.nextInt(2);
    peer.info(
        new PeerInfo(
            info.name(),
            info.addresses(),
            info.sharing(),
            info.profileVersion() + 1 - wish,
            info.wishVersion() + wish,
            info.details()));
  }

  private void force(SimPeer peer) {
    if (!peer.runs()) {
      return;
    }
    List<String> chain = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      if (random.nextBoolean()) {
        chain.add(SimPeer.id(i));
      }
    }
    if (chain.isEmpty() || peer.forced != null) {
      peer.withdraw();
    } else {
      peer.force(SimPeer.draft(chain));
    }
  }

  // The end.

  /** Mostly a whole network, sometimes one that stays split or lacks links; nobody is frozen. */
  private void calm() {
    world.trace(() -> "calm");
    if (random.nextInt(4) > 0) {
      heal();
    }
    for (SimPeer peer : world.peers) {
      if (peer.isFrozen()) {
        peer.thaw();
      }
      if (!peer.isUp() && random.nextInt(2) == 0) {
        start(peer);
      }
    }
    world.in(5 * SECOND, () -> world.loss = 0);
  }

  /** All agree for longer than it takes to notice a connection that fell silent. */
  private void agree() {
    long calm = world.now;
    long since = LocalPeer.NEVER;
    String missing = "";
    while (since == LocalPeer.NEVER || world.now - since < WATCHED) {
      if (since == LocalPeer.NEVER && world.now - calm > BOUND) {
        throw new AssertionError(BOUND / SECOND + " s after the last trouble: " + missing);
      }
      world.runUntil(world.now + STEP);
      missing = new Agreement(world).missing();
      since = missing.isEmpty() ? Math.min(since, world.now) : LocalPeer.NEVER;
    }
    agreedAfter = since - calm;
  }

  private void staysAgreed() {
    long before = world.messages - world.digests;
    long digests = world.digests;
    world.runUntil(world.now + QUIET);
    String missing = new Agreement(world).missing();
    if (!missing.isEmpty()) {
      throw new AssertionError("agreed, and then: " + missing);
    }
    long news = world.messages - world.digests - before;
    long compared = world.digests - digests;
    if (news > 0 || compared > size * (QUIET / SECOND + 1)) {
      throw new AssertionError(
          "nothing happens, and " + news + " messages and " + compared + " digests are sent");
    }
  }
}
