package org.e2llm.transport.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.e2llm.E2llmException;
import org.e2llm.plan.PlanOrder;
import org.e2llm.transport.cluster.PeerRecord.Verdict;
import org.e2llm.transport.cluster.PublishedPlan.Draft;
import org.jspecify.annotations.Nullable;

/**
 * Who coordinates, and which plan is in force: the highest that anybody who is there has. Its maker
 * coordinates as long as it is there; else the lowest id of those who share. All who see the same
 * find the same, without a vote, so two peers are enough and halves of a split network go on alone.
 *
 * <p>A peer says in its record which plan it has and which it serves. Whoever sees a higher one
 * asks a neighbour for it. The coordinator asks its app for a new plan when {@link View#basis} is
 * no longer what the plan in force was made for: at once if that plan cannot work any more, else
 * when things have settled.
 */
final class Coordination {
  private enum Need {
    NONE,
    /** The plan in force works, another may be better. */
    CALM,
    URGENT
  }

  private final String self;
  private final ClusterTimers timers;
  private final PlanCheck check;
  private final Membership membership;
  private final List<Effect> effects;
  private final PlanBook book = new PlanBook();

  private String coordinator = "";
  private PlanOrder serving = PlanOrder.NONE;
  private Verdict verdict = Verdict.NONE;
  private boolean impossible;

  private @Nullable Draft forced;
  private boolean wasForced;

  private PlanOrder wanted = PlanOrder.NONE;
  private PlanOrder refused = PlanOrder.NONE;
  private String askedPeer = "";
  private long askAgainAt;

  private long basis;
  private long basisSince;
  private long staleSince = LocalPeer.NEVER;
  private boolean meeting;
  private long numbers;
  private long outstanding;
  private long askedBasis;
  private List<Reason> askedFor = List.of();
  private @Nullable Long keptBasis;

  private long nextTick = LocalPeer.NEVER;

  Coordination(
      String self,
      ClusterTimers timers,
      PlanCheck check,
      Membership membership,
      List<Effect> effects,
      long now) {
    this.self = self;
    this.timers = timers;
    this.check = check;
    this.membership = membership;
    this.effects = effects;
    basis = membership.view().basis();
    basisSince = now;
    membership.reasons().add(new Reason(Reason.Kind.JOINED, self));
  }

  PlanBook book() {
    return book;
  }

  String coordinator() {
    return coordinator;
  }

  PlanOrder serving() {
    return serving;
  }

  Verdict verdict() {
    return verdict;
  }

  // Events.

  void received(String peer, Message.PlanRequest request) {
    PublishedPlan plan = book.get(request.order());
    plan = plan == null ? book.current() : plan;
    if (plan != null && plan.order().compareTo(request.order()) >= 0) {
      membership.send(peer, new Message.PlanAnswer(plan));
    }
  }

  void received(String peer, Message.PlanAnswer answer) {
    PublishedPlan plan = answer.plan();
    if (plan.order().compareTo(book.adopted()) <= 0 || plan.order().equals(refused)) {
      return;
    }
    try {
      check.check(plan);
    } catch (E2llmException e) {
      refused = plan.order();
      effects.add(
          new Effect.Problem(
              "plan " + plan.order() + " from " + peer + " is refused: " + e.getMessage()));
      return;
    }
    adopt(plan);
  }

  void serves(PlanOrder plan) {
    if (plan.equals(book.adopted())) {
      serving = plan;
    }
  }

  void force(Draft draft) {
    forced = draft;
    wasForced = false;
  }

  void withdraw() {
    forced = null;
    membership.reasons().add(new Reason(Reason.Kind.FORCE, self));
  }

  void planned(long number, Draft draft) {
    if (!answers(number) || need() == Need.NONE) {
      return;
    }
    View view = membership.view();
    String obstacle = draft.obstacle(view);
    if (obstacle.isEmpty()) {
      membership.reasons().removeAll(askedFor);
      publish(draft, false, askedBasis);
    } else if (askedBasis == view.basis()) {
      keptBasis = askedBasis;
      effects.add(new Effect.Problem("the plan made for the cluster cannot work: " + obstacle));
    }
  }

  void keep(long number) {
    if (answers(number)) {
      keptBasis = askedBasis;
    }
  }

  void impossible(long number, String reason) {
    if (answers(number)) {
      keptBasis = askedBasis;
      // A plan that is not ready yet never will be, if nothing is possible.
      PublishedPlan ready = book.ready();
      if (ready == null || !ready.draft().obstacle(membership.view()).isEmpty()) {
        verdict = new Verdict(askedBasis, reason);
      }
    }
  }

  private boolean answers(long number) {
    if (number != outstanding) {
      return false;
    }
    outstanding = 0;
    return self.equals(coordinator);
  }

  // Decisions.

  /** Looks at what is there and at the time; to be called after every event. */
  void decide(long now) {
    nextTick = LocalPeer.NEVER;
    noteBasis(now);
    noteCoordinator();
    fetch(now);
    enforce(now);
    ask(now);
    noteReady();
    noteVerdict();
  }

  /** When {@link #decide} may have something to do though nothing happens. */
  long nextTick() {
    return nextTick;
  }

  private void noteBasis(long now) {
    long found = membership.view().basis();
    if (found != basis) {
      basis = found;
      basisSince = now;
    }
  }

  private void noteCoordinator() {
    String found = choose(membership.view());
    if (found.equals(coordinator)) {
      return;
    }
    if (!coordinator.isEmpty() && !membership.view().members().containsKey(coordinator)) {
      membership.reasons().add(new Reason(Reason.Kind.COORDINATOR, coordinator));
    }
    coordinator = found;
    outstanding = 0;
    keptBasis = null;
    staleSince = LocalPeer.NEVER;
    effects.add(new Effect.CoordinatorIs(found));
  }

  private static String choose(View view) {
    String maker = view.highestPlan().coordinator();
    if (view.members().containsKey(maker)) {
      return maker;
    }
    for (View.Member member : view.members().values()) {
      if (member.record().info().sharing() != Sharing.NONE) {
        return member.record().id();
      }
    }
    return view.members().firstKey();
  }

  /**
   * Gets the highest plan from a neighbour who has it, its maker first, then one after the other.
   */
  private void fetch(long now) {
    if (knowsHighest()) {
      return;
    }
    View view = membership.view();
    PlanOrder highest = view.highestPlan();
    if (!highest.equals(wanted)) {
      wanted = highest;
      askedPeer = "";
      askAgainAt = now;
    }
    if (now >= askAgainAt) {
      askedPeer = holder(view, highest);
      askAgainAt = now + timers.ask();
      membership.send(askedPeer, new Message.PlanRequest(highest));
    }
    wakeAt(askAgainAt);
  }

  /** The highest plan is at hand, or is one that cannot be read. */
  private boolean knowsHighest() {
    PlanOrder highest = membership.view().highestPlan();
    return highest.compareTo(book.adopted()) <= 0 || highest.equals(refused);
  }

  private String holder(View view, PlanOrder order) {
    List<String> holders = new ArrayList<>();
    for (View.Member member : view.members().values()) {
      if (member.direct() && member.record().adopted().equals(order)) {
        holders.add(member.record().id());
      }
    }
    if (askedPeer.isEmpty() && holders.contains(order.coordinator())) {
      return order.coordinator();
    }
    for (String holder : holders) {
      if (holder.compareTo(askedPeer) > 0) {
        return holder;
      }
    }
    return holders.isEmpty() ? "" : holders.get(0);
  }

  private void adopt(PublishedPlan plan) {
    List<PlanOrder> retired = book.adopt(plan);
    effects.add(new Effect.Adopt(plan));
    retire(retired);
    if (plan.basis() == basis) {
      membership.reasons().clear();
    }
    verdict = Verdict.NONE;
    impossible = false;
    keptBasis = null;
    if (plan.forced() && !plan.coordinator().equals(self) && forced != null) {
      forced = null;
      effects.add(new Effect.ForceEnded(plan.coordinator()));
    }
    if (!plan.draft().devices().contains(self)) {
      serving = plan.order();
    }
  }

  private void publish(Draft draft, boolean byForce, long madeFor) {
    PlanOrder highest = membership.view().highestPlan();
    PlanOrder known = book.adopted();
    long counter = Math.max(highest.counter(), known.counter()) + 1;
    adopt(new PublishedPlan(new PlanOrder(counter, self, draft.hash()), byForce, madeFor, draft));
  }

  /**
   * Puts the plan that the app forced in force whenever it can work: at once the first time, then
   * when things have settled. Never against a plan that is not at hand yet: another app may have
   * forced it, and then this one gives way.
   */
  private void enforce(long now) {
    View view = membership.view();
    if (forced == null
        || !knowsHighest()
        || isInForce(forced)
        || !forced.obstacle(view).isEmpty()) {
      return;
    }
    long due = wasForced ? basisSince + timers.settle() : now;
    if (now >= due) {
      wasForced = true;
      publish(forced, true, view.basis());
    } else {
      wakeAt(due);
    }
  }

  private boolean isInForce(Draft draft) {
    PublishedPlan current = book.current();
    return current != null
        && current.forced()
        && current.coordinator().equals(self)
        && current.draft().equals(draft)
        && current.order().compareTo(membership.view().highestPlan()) >= 0;
  }

  private void ask(long now) {
    Need need = self.equals(coordinator) && knowsHighest() ? need() : Need.NONE;
    if (need == Need.NONE) {
      outstanding = 0;
      meeting = false;
      staleSince = LocalPeer.NEVER;
      return;
    }
    staleSince = Math.min(staleSince, now);
    noteMeeting();
    boolean superseded = outstanding == 0 || (need == Need.URGENT && askedBasis != basis);
    if (!superseded) {
      return;
    }
    long due = need == Need.URGENT ? now : settled();
    if (now >= due) {
      outstanding = ++numbers;
      askedBasis = basis;
      askedFor =
          membership.reasons().isEmpty()
              ? List.of(new Reason(Reason.Kind.COORDINATOR, self))
              : List.copyOf(membership.reasons());
      effects.add(new Effect.MakePlan(outstanding, askedFor));
    } else {
      wakeAt(due);
    }
  }

  private long settled() {
    long since = Math.max(basisSince, staleSince);
    return Math.min(
        since + (meeting ? timers.meeting() : timers.settle()),
        staleSince + timers.longestSettle());
  }

  private Need need() {
    PublishedPlan current = book.current();
    if (keptBasis != null && keptBasis == basis) {
      return Need.NONE;
    }
    if (current == null) {
      return Need.CALM;
    }
    boolean stands =
        current.forced() ? forced != null && isInForce(forced) : current.basis() == basis;
    boolean works = current.draft().obstacle(membership.view()).isEmpty();
    if (stands && works) {
      return Need.NONE;
    }
    boolean withdrawn = current.forced() && current.coordinator().equals(self);
    return !works || withdrawn || wished() ? Need.URGENT : Need.CALM;
  }

  private boolean wished() {
    for (Reason reason : membership.reasons()) {
      if (reason.kind() == Reason.Kind.WISH) {
        return true;
      }
    }
    return false;
  }

  /** Another coordinator is there with a plan of its own, for another part of the network. */
  private void noteMeeting() {
    View view = membership.view();
    for (View.Member member : view.members().values()) {
      PlanOrder plan = member.record().adopted();
      String id = member.record().id();
      if (plan.coordinator().equals(id) && !id.equals(self) && !plan.equals(view.highestPlan())) {
        meeting = true;
        membership.reasons().add(new Reason(Reason.Kind.MEETING, id));
      }
    }
  }

  private void noteReady() {
    PublishedPlan current = book.current();
    if (current == null || book.currentIsReady()) {
      return;
    }
    Set<String> devices = current.draft().devices();
    for (String device : devices) {
      View.Member member = membership.view().members().get(device);
      PlanOrder served =
          device.equals(self)
              ? serving
              : member == null ? PlanOrder.NONE : member.record().serving();
      if (!served.equals(current.order())) {
        return;
      }
    }
    effects.add(new Effect.Ready(current.order()));
    retire(book.allServe());
  }

  void retire(List<PlanOrder> plans) {
    for (PlanOrder plan : plans) {
      effects.add(new Effect.Retire(plan));
    }
  }

  /** A verdict counts as long as its maker coordinates and those who are there are the same. */
  private void noteVerdict() {
    if (!self.equals(coordinator)) {
      verdict = Verdict.NONE;
    }
    View.Member member = membership.view().members().get(coordinator);
    Verdict found =
        self.equals(coordinator) || member == null ? verdict : member.record().verdict();
    boolean holds = !found.reason().isEmpty() && found.basis() == basis;
    if (holds && !impossible) {
      effects.add(new Effect.Impossible(found.reason()));
    }
    impossible = holds;
  }

  private void wakeAt(long time) {
    nextTick = Math.min(nextTick, time);
  }
}
