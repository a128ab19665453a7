package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.planner.grouping.SearchSpace;
import org.e2llm.planner.grouping.SearchWatch;

/**
 * What strategies are asked, checked and ready to search. Strategies may be asked the same question
 * one after the other and then share what was reckoned already.
 *
 * @param model the plan is for
 * @param workload what is asked of the cluster
 * @param slo what counts as served well
 * @param options as the app gave them
 * @param space the devices that may be used, with their costs
 * @param unusable why other devices of the fleet may not, by number
 * @param watch counts evaluations, and ends the search when it is cancelled
 */
public record Question(
    PlannedFor model,
    Workload workload,
    Slo slo,
    PlanOptions options,
    SearchSpace space,
    Map<Integer, String> unusable,
    SearchWatch watch) {

  /**
   * Searches of a dozen devices come within half a hundredth of what ten times as many find; for a
   * hundred devices that takes more. A second and some seconds on one core.
   */
  private static final int EVALUATIONS = 4000;

  private static final int EVALUATIONS_PER_DEVICE = 160;

  public Question {
    unusable = Map.copyOf(unusable);
  }

  /** The budget of a search. */
  public int evaluations() {
    return options.evaluations() > 0
        ? options.evaluations()
        : Math.max(EVALUATIONS, EVALUATIONS_PER_DEVICE * space.devices().length);
  }

  /** Whether few requests run at a time and each shall be done soon, rather than many in all. */
  public boolean latencyCounts() {
    return space.demand().latencyCounts();
  }

  /** The policy with the router that the app asks for, if it asks for one. */
  ServingPolicy withRouter(ServingPolicy policy) {
    RouterKind router = options.router();
    return router == null ? policy : policy.withRouter(router);
  }

  /** The same question with other options, such as another seed or budget. */
  public Question with(PlanOptions newOptions) {
    return new Question(model, workload, slo, newOptions, space, unusable, watch);
  }

  /** The same question in another space, such as one with other formats on the network. */
  public Question with(SearchSpace newSpace) {
    return new Question(model, workload, slo, options, newSpace, unusable, watch);
  }

  /** The same question, watched as a part of a larger one ({@link SearchWatch#sub}). */
  public Question with(SearchWatch newWatch) {
    return new Question(model, workload, slo, options, space, unusable, newWatch);
  }

  /**
   * What serving may keep in view of the SLO: its TTFT alone, which costs less, then all of it;
   * nothing where there is none.
   */
  List<Slo> views() {
    List<Slo> views = new ArrayList<>();
    for (double tpot : new double[] {Double.POSITIVE_INFINITY, slo.tpotSeconds()}) {
      Slo view = new Slo(slo.ttftSeconds(), tpot);
      if (!view.equals(Slo.NONE) && !views.contains(view)) {
        views.add(view);
      }
    }
    return views;
  }
}
