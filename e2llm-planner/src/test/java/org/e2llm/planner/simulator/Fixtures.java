package org.e2llm.planner.simulator;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.Network;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.WireFormats;
import org.e2llm.planner.cost.AnalyticCostModel;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.cost.PlannedModel;

/** Models, devices and plans for tests, made by hand. */
final class Fixtures {
  private Fixtures() {}

  /** Llama-3-8B Q4_K_M. */
  static PlannedModel llama8b() {
    return model(32, 4096, 14336, 32, 8, 128, 128256, 130_000_000L);
  }

  static PlannedModel model(
      int layers, int hidden, int ffn, int heads, int kvHeads, int head, int vocab, long bytes) {
    long parameters =
        layers * ((long) hidden * head * (2L * heads + 2L * kvHeads) + 3L * hidden * ffn)
            + 2L * vocab * hidden;
    return new PlannedModel(
        new ModelSpec(
            "test",
            "llama",
            "Q4_K_M",
            layers,
            hidden,
            ffn,
            heads,
            kvHeads,
            head,
            head,
            vocab,
            8192,
            parameters,
            Collections.nCopies(layers, bytes),
            bytes,
            2 * bytes,
            List.of(0)),
        KvType.F16);
  }

  static DeviceProfile device(String id, double tflops, double gigabytesPerSecond, Nic nic) {
    return new DeviceProfile(
        id, id, tflops * 1e12, tflops * 1e12, gigabytesPerSecond * 1e9, 2e-3, 64L << 30, true, nic);
  }

  static StagePlan stage(String device, int from, int to) {
    return new StagePlan(device, LayerRange.of(from, to));
  }

  static ReplicaPlan replica(Role role, long kvTokens, StagePlan... stages) {
    return new ReplicaPlan(role, List.of(stages), kvTokens, new ReplicaPlan.Expected(1, 1, 1, 1));
  }

  static Plan plan(ServingPolicy policy, List<ReplicaPlan> replicas) {
    List<Placement> placements = new ArrayList<>();
    for (ReplicaPlan replica : replicas) {
      for (StagePlan stage : replica.stages()) {
        placements.add(new Placement(stage.device(), true, "test"));
      }
    }
    return new Plan(
        PlanOrder.NONE,
        new PlannedFor("test", "", replicas.get(0).layerCount(), KvType.F16, 16384, Arithmetic.F32),
        "own",
        WireFormats.lossless(KvType.F16),
        policy,
        replicas,
        placements);
  }

  static Network network(DeviceProfile... devices) {
    return new Network(Fleet.of("test", List.of(devices)));
  }

  static CostModel cost(PlannedModel model) {
    return new AnalyticCostModel(model, WireFormats.lossless(KvType.F16));
  }

  static ServingPolicy spill(ServingPolicy.RouterKind router) {
    return new ServingPolicy(router, true, true, true, true, 512);
  }
}
