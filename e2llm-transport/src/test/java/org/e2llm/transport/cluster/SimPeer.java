package org.e2llm.transport.cluster;

import static org.e2llm.transport.cluster.World.MS;
import static org.e2llm.transport.cluster.World.SECOND;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.e2llm.plan.PlanOrder;
import org.e2llm.transport.cluster.PublishedPlan.Draft;

/**
 * One peer of a {@link World}: a process that runs, freezes, dies and starts again, and carries out
 * what its {@link LocalPeer} says. Its planner strings together those who share and reach each
 * other. What must hold at every step is checked here.
 */
final class SimPeer {
  private final World world;
  final int index;
  final String id;
  private LocalPeer machine;
  private boolean frozen;
  private int run;
  private final Deque<Runnable> waiting = new ArrayDeque<>();
  private long tickAt = LocalPeer.NEVER;

  /** What the app says. */
  PeerInfo info;

  /** Who share at least, for a plan to be possible. */
  int leastDevices = 1;

  Draft forced;

  // What the effects have told.
  private Set<String> present = new HashSet<>();
  private PlanOrder adopted = PlanOrder.NONE;
  private String coordinator = "";
  boolean impossible;

  /** Every {@link View#basis} for which its planner found nothing better than the plan in force. */
  final Set<Long> nothingBetterFor = new HashSet<>();

  int plansAsked;
  final List<String> droppedBy = new ArrayList<>();
  final List<Effect.Gone> gone = new ArrayList<>();
  final List<Reason> reasons = new ArrayList<>();

  SimPeer(World world, int index) {
    this.world = world;
    this.index = index;
    id = id(index);
    info = new PeerInfo("device " + index, List.of(id), Sharing.ACTIVE, 1, 0, Bytes.EMPTY);
  }

  static String id(int index) {
    return "peer-" + (char) ('a' + index);
  }

  private static int index(String id) {
    return id.charAt(id.length() - 1) - 'a';
  }

  // The process.

  boolean isUp() {
    return machine != null;
  }

  boolean isFrozen() {
    return frozen;
  }

  boolean runs() {
    return machine != null && !frozen;
  }

  int run() {
    return run;
  }

  LocalPeer machine() {
    return machine;
  }

  void start(long incarnation) {
    world.trace(() -> id + " starts as " + incarnation);
    run++;
    frozen = false;
    waiting.clear();
    present = new HashSet<>(Set.of(id));
    adopted = PlanOrder.NONE;
    coordinator = "";
    impossible = false;
    nothingBetterFor.clear();
    forced = null;
    tickAt = LocalPeer.NEVER;
    machine =
        new LocalPeer(
            id, incarnation, info, ClusterTimers.DEFAULT, SimPeer::checkContent, world.now);
    carryOut();
  }

  void crash() {
    world.trace(() -> id + " ends");
    run++;
    machine = null;
    frozen = false;
    waiting.clear();
    world.ended(index);
  }

  void leave() {
    machine.leave(world.now);
    carryOut();
    crash();
  }

  void freeze() {
    world.trace(() -> id + " freezes");
    frozen = true;
  }

  /** What came in the meantime is dealt with late, before or after the clock is looked at. */
  void thaw() {
    world.trace(() -> id + " goes on");
    frozen = false;
    if (world.random.nextBoolean()) {
      tick();
    }
    while (runs() && !waiting.isEmpty()) {
      waiting.remove().run();
    }
    tick();
  }

  /** Dials the address of a peer that it does not know, or that had left. */
  void seed(int other, long everyNs) {
    int mine = run;
    world.in(
        world.between(0, everyNs),
        () -> {
          if (isUp() && run == mine) {
            if (runs() && !knows(other)) {
              world.dial(index, other);
            }
            seed(other, everyNs);
          }
        });
  }

  private boolean knows(int other) {
    String otherId = id(other);
    return machine.view().members().containsKey(otherId)
        || machine.absent().stream()
            .anyMatch(record -> record.id().equals(otherId) && !record.left());
  }

  // Events for the machine.

  private void event(Runnable what) {
    if (machine == null) {
      return;
    }
    if (frozen) {
      int mine = run;
      waiting.add(
          () -> {
            if (run == mine) {
              event(what);
            }
          });
      return;
    }
    what.run();
    carryOut();
  }

  void opened(int other) {
    event(() -> machine.opened(id(other), world.now));
  }

  void heard(int other) {
    if (runs()) {
      machine.heard(id(other), world.now);
    } else {
      event(() -> machine.heard(id(other), world.now));
    }
  }

  void closed(int other) {
    event(() -> machine.closed(id(other), world.now));
  }

  void unreachable(int other, int itsRun) {
    if (itsRun == run) {
      event(() -> machine.unreachable(id(other), world.now));
    }
  }

  void received(int other, Message message) {
    event(() -> machine.received(id(other), message, world.now));
  }

  void info(PeerInfo newInfo) {
    info = newInfo;
    event(() -> machine.info(info, world.now));
  }

  void force(Draft draft) {
    event(
        () -> {
          forced = draft;
          machine.force(draft, world.now);
        });
  }

  void withdraw() {
    event(
        () -> {
          forced = null;
          machine.withdraw(world.now);
        });
  }

  private void tick() {
    tickAt = LocalPeer.NEVER;
    event(() -> machine.tick(world.now));
  }

  // Effects.

  private void carryOut() {
    for (Effect effect : machine.takeEffects()) {
      carryOut(effect);
    }
    long next = machine.nextTick();
    if (next < tickAt) {
      tickAt = next;
      int mine = run;
      world.at(
          next,
          () -> {
            if (run == mine && tickAt == next && !frozen) {
              tick();
            }
          });
    }
  }

  private void carryOut(Effect effect) {
    world.trace(() -> id + " " + effect);
    if (effect instanceof Effect.Send send) {
      world.send(index, index(send.peer()), send.message());
    } else if (effect instanceof Effect.Dial dial) {
      world.dial(index, index(dial.peer()));
    } else if (effect instanceof Effect.Disconnect disconnect) {
      world.close(index, index(disconnect.peer()));
    } else if (effect instanceof Effect.Joined joined) {
      check(present.add(joined.peer().id()), "joined though there: " + joined);
    } else if (effect instanceof Effect.Gone left) {
      check(present.remove(left.peer().id()), "gone though not there: " + left);
      gone.add(left);
    } else if (effect instanceof Effect.Dropped dropped) {
      droppedBy.add(dropped.peer());
    } else if (effect instanceof Effect.CoordinatorIs is) {
      check(!is.peer().equals(coordinator), "the same coordinator again: " + is);
      coordinator = is.peer();
    } else if (effect instanceof Effect.MakePlan make) {
      makePlan(make);
    } else if (effect instanceof Effect.Adopt adopt) {
      adopt(adopt.plan());
    } else if (effect instanceof Effect.Ready ready) {
      check(ready.plan().equals(adopted), "ready is " + ready + ", adopted is " + adopted);
    } else if (effect instanceof Effect.Retire retire) {
      check(!retire.plan().equals(adopted), "the plan in force was retired");
    } else if (effect instanceof Effect.Impossible) {
      impossible = true;
    } else if (effect instanceof Effect.ForceEnded) {
      forced = null;
    } else if (effect instanceof Effect.Problem problem) {
      check(false, problem.text());
    }
  }

  private void makePlan(Effect.MakePlan make) {
    check(coordinator.equals(id), "asked for a plan, but does not coordinate");
    check(!make.reasons().isEmpty(), "asked for a plan without a reason");
    plansAsked++;
    reasons.addAll(make.reasons());
    boolean late = world.random.nextBoolean();
    Draft early = draft();
    long basis = machine.view().basis();
    int mine = run;
    world.in(
        world.between(MS, 300 * MS),
        () -> {
          if (run == mine) {
            event(() -> answer(make.number(), basis, late ? draft() : early));
          }
        });
  }

  private void answer(long number, long basis, Draft draft) {
    if (draft == null) {
      nothingBetterFor.add(basis);
      machine.impossible(number, "too few devices", world.now);
    } else {
      machine.planned(number, draft, world.now);
    }
  }

  /** All who share, as far as each reaches all before it; null if those are too few. */
  private Draft draft() {
    View view = machine.view();
    List<String> chain = new ArrayList<>();
    for (View.Member member : view.members().values()) {
      String device = member.record().id();
      if (member.record().info().sharing() == Sharing.ACTIVE
          && chain.stream().allMatch(other -> view.linked(other, device))) {
        chain.add(device);
      }
    }
    return chain.size() < leastDevices ? null : draft(chain);
  }

  static Draft draft(List<String> chain) {
    return new Draft("hash of " + chain, List.of(chain), Bytes.EMPTY);
  }

  private static void checkContent(PublishedPlan plan) {
    check(plan.draft().hash().equals("hash of " + plan.draft().chains().get(0)), "hash of " + plan);
  }

  private void adopt(PublishedPlan plan) {
    check(plan.order().compareTo(adopted) > 0, "went back from " + adopted + " to " + plan.order());
    adopted = plan.order();
    impossible = false;
    nothingBetterFor.clear();
    if (plan.draft().devices().contains(id)) {
      int mine = run;
      world.in(
          world.between(MS, 2 * SECOND),
          () -> {
            if (run == mine) {
              event(() -> machine.serves(plan.order(), world.now));
            }
          });
    }
  }

  /** What the effects told must be what the machine says. */
  void checkTold() {
    check(present.equals(machine.view().members().keySet()), "told of " + present);
    check(coordinator.equals(machine.coordinator()), "told that " + coordinator + " coordinates");
    check(adopted.equals(machine.book().adopted()), "told of plan " + adopted);
  }

  private static void check(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }
}
