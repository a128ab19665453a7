package org.e2llm.transport.cluster;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.PlanOrder;

/** What must be true when nothing happens any more: for each part of the network, one answer. */
final class Agreement {
  private final World world;
  private final List<String> missing = new ArrayList<>();

  Agreement(World world) {
    this.world = world;
    for (SimPeer peer : world.peers) {
      if (peer.isUp()) {
        peer.checkTold();
        check(peer);
      }
    }
  }

  /** What is not true yet, or empty. */
  String missing() {
    return String.join("; ", missing);
  }

  private void check(SimPeer peer) {
    List<Integer> part = world.component(peer.index);
    List<String> ids = new ArrayList<>();
    part.forEach(index -> ids.add(SimPeer.id(index)));
    View view = peer.machine().view();
    expect(
        peer,
        new ArrayList<>(view.members().keySet()).equals(ids),
        "sees " + view + ", not " + ids);
    checkLinks(peer, view, part);
    checkPlan(peer, view, part);
  }

  private void checkLinks(SimPeer peer, View view, List<Integer> part) {
    for (int a : part) {
      for (int b : part) {
        boolean linked = a == b || !world.isCut(a, b);
        expect(
            peer,
            view.linked(SimPeer.id(a), SimPeer.id(b)) == linked,
            (linked ? "no link of " : "a link of ") + a + " and " + b);
      }
    }
  }

  private void checkPlan(SimPeer peer, View view, List<Integer> part) {
    LocalPeer machine = peer.machine();
    PlanOrder adopted = machine.book().adopted();
    for (int index : part) {
      SimPeer other = world.peers.get(index);
      LocalPeer its = other.machine();
      expect(peer, its.coordinator().equals(machine.coordinator()), "another coordinator");
      expect(peer, its.book().adopted().equals(adopted), "another plan than " + other.id);
      expect(peer, its.view().basis() == view.basis(), "another basis than " + other.id);
      if (other.forced != null && other.forced.obstacle(view).isEmpty()) {
        PublishedPlan plan = its.plan();
        expect(
            peer,
            plan != null && plan.forced() && plan.draft().equals(other.forced),
            "not the plan that " + other.id + " forces");
      }
    }
    PublishedPlan plan = machine.plan();
    if (plan != null && plan.draft().obstacle(view).isEmpty()) {
      expect(peer, machine.book().ready() == plan, "the plan in force is not ready");
      // A plan made again after a restart may have the order of one made before for others.
      SimPeer coordinator = coordinator(machine);
      PublishedPlan own = coordinator == null ? null : coordinator.machine().plan();
      boolean wanted =
          own != null && (own.forced() ? coordinator.forced != null : own.basis() == view.basis());
      expect(
          peer,
          wanted || (coordinator != null && coordinator.nothingBetterFor.contains(view.basis())),
          plan.forced() ? "a plan that nobody forces" : "a plan for others than are there");
    } else {
      View.Member coordinator = view.members().get(machine.coordinator());
      boolean said = coordinator != null && coordinator.record().verdict().basis() == view.basis();
      expect(peer, said && peer.impossible, "no plan that works, and no word of it");
    }
  }

  private SimPeer coordinator(LocalPeer machine) {
    for (SimPeer peer : world.peers) {
      if (peer.id.equals(machine.coordinator()) && peer.isUp()) {
        return peer;
      }
    }
    return null;
  }

  private void expect(SimPeer peer, boolean holds, String otherwise) {
    if (!holds) {
      missing.add(peer.id + ": " + otherwise);
    }
  }
}
