package org.e2llm.transport;

import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.Slo;
import org.e2llm.transport.cluster.View;

/** What the apps of a cluster state, and what of it plans are made with. */
final class StatedSlo {
  private StatedSlo() {}

  /** The strictest limits of all apps that are there. */
  static Slo of(View view) {
    double ttft = Slo.NONE.ttftSeconds();
    double tpot = Slo.NONE.tpotSeconds();
    for (PeerDetails details : PeerDetails.of(view)) {
      ttft = Math.min(ttft, details.slo().ttftSeconds());
      tpot = Math.min(tpot, details.slo().tpotSeconds());
    }
    return new Slo(ttft, tpot);
  }

  /**
   * What a search looks at: for one session at a time the quickest plan keeps most of any SLO, so
   * there is nothing to choose.
   */
  static Slo counts(Slo slo, PlanOptions wishes) {
    return wishes.throughput() ? slo : Slo.NONE;
  }

  /** The plan, with all who serve on it keeping this in view. */
  static Plan keptBy(Plan plan, Slo slo) {
    return plan.policy().slo().equals(slo) ? plan : plan.withPolicy(plan.policy().withSlo(slo));
  }
}
