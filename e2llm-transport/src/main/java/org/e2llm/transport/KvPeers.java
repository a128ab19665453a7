package org.e2llm.transport;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;
import org.e2llm.serving.KvHandoff;

/** With whom a device exchanges KV caches under a plan. */
final class KvPeers {
  private KvPeers() {}

  /**
   * Those with a stage that shares layers with this device's, in a replica for the other phase; in
   * any other one where the plan lets roles spill.
   */
  static Set<String> of(Plan plan, String self) {
    Set<String> peers = new HashSet<>();
    for (ReplicaPlan from : plan.replicas()) {
      for (ReplicaPlan to : plan.replicas()) {
        boolean handsOff = from.role() == Role.PREFILL && to.role() != Role.PREFILL;
        handsOff |= from.role() != Role.DECODE && to.role() == Role.DECODE;
        handsOff |= plan.policy().spills();
        if (from != to && handsOff) {
          add(peers, from.stages(), to.stages(), self);
        }
      }
    }
    return peers;
  }

  private static void add(
      Set<String> peers, List<StagePlan> from, List<StagePlan> to, String self) {
    for (KvHandoff.Pair pair : KvHandoff.pairs(StagePlan.layers(from), StagePlan.layers(to))) {
      String sender = from.get(pair.fromStage()).device();
      String taker = to.get(pair.toStage()).device();
      if (sender.equals(self)) {
        peers.add(taker);
      } else if (taker.equals(self)) {
        peers.add(sender);
      }
    }
  }
}
