package org.e2llm.spi;

import java.util.List;
import org.e2llm.E2llmException;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StepWork;
import org.e2llm.plan.Workload;

/** Decides who hosts which layers in which role. Implemented by {@code e2llm-planner}. */
public interface PlannerProvider {
  /**
   * The best plan that the strategy of the options knows.
   *
   * @throws E2llmException by cause: no plan is possible, something contradicts itself, cancelled
   */
  Plan plan(
      ModelSpec model,
      Fleet fleet,
      Workload workload,
      Slo slo,
      PlanOptions options,
      PlanListener listener);

  /**
   * Checks a plan that somebody else made, and says what is to be expected of it on these devices.
   *
   * @return the same replicas, with expectations, free memory and placements as they are
   * @throws E2llmException by cause: it does not fit the model, the devices or their memory
   */
  Plan judge(
      Plan plan, ModelSpec model, Fleet fleet, Workload workload, Slo slo, PlanOptions options);

  /**
   * What requests come to on plans that were judged, by simulation: mean seconds from arrival to
   * last token, times 1 and the share of them outside the SLO. All plans meet the same requests, at
   * the workload's rate; if it has none, few at first, then nearly as many as the best can do.
   *
   * @return by plan; infinite where not all of them come to their end
   * @throws E2llmException by cause: a plan does not fit the model or the devices
   */
  double[] compare(
      List<Plan> plans,
      ModelSpec model,
      Fleet fleet,
      Workload workload,
      Slo slo,
      PlanOptions options);

  /**
   * Seconds that a step should take on a device, by the cost model that plans are made with.
   *
   * @param layers of the step
   * @param options the types of KV cache and wire
   */
  double stepSeconds(
      ModelSpec model, DeviceProfile device, LayerRange layers, PlanOptions options, StepWork step);
}
