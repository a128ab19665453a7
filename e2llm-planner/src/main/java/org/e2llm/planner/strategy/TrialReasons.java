package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.e2llm.plan.Network;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;

/**
 * Says of a device that is left out what the best plan with one of its kind came to, in the last
 * round that simulated such a plan, beside the best of that round. Times are those before an SLO
 * was kept in view.
 */
final class TrialReasons {
  private final Question question;
  private final Trials trials;

  TrialReasons(Question question, Trials trials) {
    this.question = question;
    this.trials = trials;
  }

  /** The plan with reasons from simulation. */
  Plan explain(Plan plan) {
    Network network = question.space().network();
    Set<Integer> kinds = new HashSet<>();
    for (Placement placement : plan.placements()) {
      if (placement.placed()) {
        kinds.add(question.space().kind(network.number(placement.device())));
      }
    }
    List<Placement> placements = new ArrayList<>();
    for (Placement placement : plan.placements()) {
      int device = network.number(placement.device());
      placements.add(
          placement.placed() || question.unusable().containsKey(device)
              ? placement
              : new Placement(placement.device(), false, leftOut(device, kinds)));
    }
    return plan.with(plan.replicas(), placements);
  }

  private String leftOut(int device, Set<Integer> used) {
    int kind = question.space().kind(device);
    if (used.contains(kind)) {
      return "Left out: one more of its kind made no simulated plan better.";
    }
    Trials.Comparison comparison = trials.comparison(kind);
    if (comparison == null) {
      return "Left out: no plan with it was good enough to be simulated.";
    }
    return String.format(
        Locale.ROOT,
        "Left out: the best simulated plan with such a device took %.3g s for a mean request, where"
            + " the best of all took %.3g s.",
        comparison.with(),
        comparison.best());
  }
}
