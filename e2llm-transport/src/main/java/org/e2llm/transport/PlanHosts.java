package org.e2llm.transport;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;

/**
 * What a caller can use of a plan: replicas that are there with all their stages. Sessions had
 * better wait than try in vain while another plan gets ready.
 *
 * @param sessions hosts to which sessions may go: of replicas that decode; of the others only where
 *     none of these is left, or where the plan says that answers may be given there
 * @param usable hosts of all replicas that can do their part
 */
record PlanHosts(List<String> sessions, Set<String> usable) {
  /**
   * As a device sees them.
   *
   * @param members who is there
   * @param reached whether this device can send to another one, or is it
   */
  static PlanHosts of(Plan plan, Set<String> members, Predicate<String> reached) {
    List<String> decoding = new ArrayList<>();
    List<String> prompting = new ArrayList<>();
    Set<String> usable = new HashSet<>();
    for (ReplicaPlan replica : plan.replicas()) {
      String host = replica.stages().get(0).device();
      if (!replica.stages().stream().allMatch(stage -> members.contains(stage.device()))) {
        continue;
      }
      boolean prefills = replica.role() == Role.PREFILL;
      if (reached.test(host)) {
        (prefills ? prompting : decoding).add(host);
      }
      // Prompts are not sent there from here, but by the hosts that decode.
      if (prefills || reached.test(host)) {
        usable.add(host);
      }
    }
    if (decoding.isEmpty() || plan.policy().decodeInPlace() || plan.policy().spills()) {
      decoding.addAll(prompting);
    }
    return new PlanHosts(decoding, usable);
  }
}
