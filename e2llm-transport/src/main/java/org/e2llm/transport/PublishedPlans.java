package org.e2llm.transport;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanCodec;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;
import org.e2llm.transport.cluster.Bytes;
import org.e2llm.transport.cluster.PublishedPlan;

/** Plans as JSON inside what the cluster hands on. */
final class PublishedPlans {
  private PublishedPlans() {}

  static PublishedPlan.Draft draft(Plan plan) {
    Plan unordered = plan.withOrder(PlanOrder.NONE);
    byte[] json = PlanCodec.toJson(unordered).getBytes(StandardCharsets.UTF_8);
    return new PublishedPlan.Draft(PlanCodec.hash(plan), chains(plan), Bytes.copyOf(json));
  }

  private static List<List<String>> chains(Plan plan) {
    List<List<String>> chains = new ArrayList<>();
    for (ReplicaPlan replica : plan.replicas()) {
      List<String> chain = new ArrayList<>();
      for (StagePlan stage : replica.stages()) {
        chain.add(stage.device());
      }
      chains.add(chain);
    }
    return chains;
  }

  /**
   * Reads it.
   *
   * @throws org.e2llm.E2llmException if it is no plan for this model, or not what its envelope says
   */
  static Plan plan(PublishedPlan published, ModelSpec model) {
    String json = new String(published.draft().content().toByteArray(), StandardCharsets.UTF_8);
    Plan plan = PlanCodec.parse(json).withOrder(published.order());
    if (!PlanCodec.hash(plan).equals(published.draft().hash())
        || !chains(plan).equals(published.draft().chains())) {
      throw new InvalidRequestException("the plan is not the one its envelope says");
    }
    if (plan.model().layerCount() != model.layerCount()) {
      throw new InvalidRequestException(
          "the plan is for "
              + plan.model().layerCount()
              + " layers, "
              + model.name()
              + " has "
              + model.layerCount());
    }
    return plan;
  }
}
