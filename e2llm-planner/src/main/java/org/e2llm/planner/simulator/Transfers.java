package org.e2llm.planner.simulator;

import org.e2llm.plan.LinkProfile;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.serving.KvHandoff;

/**
 * For how many seconds a token keeps interfaces and shared mediums busy on a plan: its hidden
 * states on their way through a replica, its KV cache on its way to another.
 */
final class Transfers {
  private final Deployment deployment;
  private final Interfaces interfaces;

  Transfers(Deployment deployment) {
    this.deployment = deployment;
    this.interfaces = deployment.interfaces();
  }

  /** By interface, for hidden states of one token once along the chain. */
  double[] hidden(int replica) {
    double[] busy = new double[interfaces.count()];
    for (int s = 0; s + 1 < deployment.stages(replica); s++) {
      double bytes = deployment.cost().hiddenBytes(1);
      add(busy, deployment.device(replica, s), deployment.device(replica, s + 1), bytes);
    }
    return busy;
  }

  /** By interface, for the KV cache of one token; all owners must be connected. */
  double[] handoff(int from, int to) {
    CostModel cost = deployment.cost();
    double[] busy = new double[interfaces.count()];
    for (KvHandoff.Pair pair : deployment.pairs(from, to)) {
      double bytes = cost.handoffBytes(pair.layers().size(), 1);
      int owner = deployment.device(from, pair.fromStage());
      add(busy, owner, deployment.device(to, pair.toStage()), bytes);
    }
    return busy;
  }

  private void add(double[] busy, int from, int to, double bytes) {
    LinkProfile link = deployment.network().link(from, to);
    for (int i : interfaces.between(from, to)) {
      busy[i] += bytes / interfaces.bytesPerSecond(i, link);
    }
  }
}
