package org.e2llm.transport;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.e2llm.InfeasiblePlanException;
import org.e2llm.plan.KeptEnds;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.serving.CallerSessions;
import org.e2llm.serving.ReplicaEstimates;
import org.e2llm.serving.ReplicaRouter;
import org.e2llm.serving.SessionRouter;
import org.jspecify.annotations.Nullable;

/**
 * Tells the sessions of this app where they may run: on the hosts of the plan that is in use, as
 * far as these are there, and who chooses among them. Belongs to the thread of {@link ClusterPeer}.
 */
final class HostOffers {
  private final String self;
  private final @Nullable KeptEnds ends;
  private final CallerSessions callers;
  private final ClusterWatch watch;
  private final Predicate<String> reached;
  private @Nullable Plan plan;

  /** Whether sessions may still wait for a plan before. */
  private boolean isNew;

  /** By plan, while it is in use and has several replicas. */
  private final Map<PlanOrder, ReplicaEstimates> estimates = new HashMap<>();

  /**
   * Offers none yet.
   *
   * @param ends layers that stay on this device, which then alone is a host for its sessions; null
   *     if they may go to any
   * @param watch knows what hosts have to do
   * @param reached whether this device can send to another one
   */
  HostOffers(
      String self,
      @Nullable KeptEnds ends,
      CallerSessions callers,
      ClusterWatch watch,
      Predicate<String> reached) {
    this.self = self;
    this.ends = ends;
    this.callers = callers;
    this.watch = watch;
    this.reached = reached;
  }

  /** All devices of the plan serve it: new sessions run on it, once {@link #offer offered}. */
  void use(Plan ready) {
    isNew |= plan == null || !plan.order().equals(ready.order());
    plan = ready;
  }

  /**
   * What is to be expected of a plan's replicas; without it there is no choice among them.
   *
   * @return whether this is new
   */
  boolean expect(PlanOrder of, ReplicaEstimates expected) {
    return estimates.put(of, expected) != expected;
  }

  /** The plan is not used any more. */
  void retire(PlanOrder old) {
    estimates.remove(old);
  }

  /**
   * Says it, also when nothing has changed.
   *
   * @param members devices that are there
   */
  void offer(Set<String> members) {
    if (plan == null) {
      callers.hosts(List.of(), null);
      return;
    }
    boolean allowed = ends == null || keepsEnds(plan, ends, self);
    String owner = plan.replicas().get(0).stages().get(0).device();
    if (!allowed) {
      callers.impossible(
          () ->
              new InfeasiblePlanException(
                  "this app keeps the ends of the model on its device, but the plan in force leaves"
                      + " them to "
                      + owner
                      + ": one device of a cluster can keep them",
                  0));
    } else if (isWhole(plan, members)) {
      callers.possible();
    }
    if (ends != null) {
      offer(allowed ? List.of(self) : List.of(), null);
      return;
    }
    PlanHosts hosts = PlanHosts.of(plan, members, host -> host.equals(self) || reached.test(host));
    offer(hosts.sessions(), router(plan, hosts.usable()));
  }

  private void offer(List<String> hosts, @Nullable SessionRouter router) {
    callers.hosts(hosts, router, isNew);
    isNew &= hosts.isEmpty();
  }

  private static boolean keepsEnds(Plan plan, KeptEnds ends, String self) {
    return plan.replicas().stream().anyMatch(replica -> ends.areKept(replica, self));
  }

  /** Whether all devices of a plan are there. */
  static boolean isWhole(Plan plan, Set<String> members) {
    return plan.replicas().stream()
        .flatMap(replica -> replica.stages().stream())
        .allMatch(stage -> members.contains(stage.device()));
  }

  private @Nullable SessionRouter router(Plan plan, Set<String> usable) {
    ReplicaEstimates known = estimates.get(plan.order());
    if (known == null) {
      return null;
    }
    List<String> hosts = new ArrayList<>();
    for (ReplicaPlan replica : plan.replicas()) {
      hosts.add(replica.stages().get(0).device());
    }
    return new ReplicaRouter(plan.policy(), known, hosts, usable::contains, watch::load);
  }
}
