package org.e2llm.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.WireFormats;
import org.junit.jupiter.api.Test;

/** Which replicas of a plan a caller uses, and between which devices KV caches go. */
class PlanHostsTest {
  /** p and q compute prompts, a and b, cut elsewhere, decode; so does c alone. */
  private static final Plan PLAN = plan(ServingPolicy.ROLES);

  private static final Set<String> ALL = Set.of("p", "q", "a", "b", "c");

  @Test
  void sessionsGoToReplicasThatDecode() {
    PlanHosts hosts = PlanHosts.of(PLAN, ALL, host -> true);
    assertThat(hosts.sessions()).containsExactly("a", "c");
    assertThat(hosts.usable()).containsExactlyInAnyOrder("p", "a", "c");
  }

  @Test
  void aReplicaThatLacksAStageIsNotUsed() {
    PlanHosts hosts = PlanHosts.of(PLAN, Set.of("p", "a", "c"), host -> true);
    assertThat(hosts.sessions()).containsExactly("c");
    assertThat(hosts.usable()).containsExactly("c");
  }

  @Test
  void whereNoneThatDecodesIsLeftOneThatComputesPromptsTakesSessions() {
    assertThat(PlanHosts.of(PLAN, Set.of("p", "q", "b"), host -> true).sessions())
        .containsExactly("p");
    assertThat(PlanHosts.of(PLAN, ALL, host -> host.equals("p")).sessions()).containsExactly("p");
  }

  @Test
  void aPromptHostNeedNotBeReachedFromHere() {
    PlanHosts hosts = PlanHosts.of(PLAN, ALL, host -> !host.equals("p"));
    assertThat(hosts.sessions()).containsExactly("a", "c");
    assertThat(hosts.usable()).contains("p");
  }

  @Test
  void answersStayAtPromptsWhereThePlanSaysSo() {
    Plan inPlace = plan(new ServingPolicy(RouterKind.ECT, false, false, true, false, 512));
    assertThat(PlanHosts.of(inPlace, ALL, host -> true).sessions()).containsExactly("a", "c", "p");
  }

  @Test
  void whereRolesSpillAnyReplicaTakesSessionsAndExchangesBytes() {
    Plan spill = plan(new ServingPolicy(RouterKind.ECT, false, true, false, false, 512));
    assertThat(PlanHosts.of(spill, ALL, host -> true).sessions()).containsExactly("a", "c", "p");
    assertThat(KvPeers.of(spill, "a")).containsExactlyInAnyOrder("p", "c");
  }

  @Test
  void devicesThatShareLayersAreConnectedForBytes() {
    assertThat(KvPeers.of(PLAN, "p")).containsExactlyInAnyOrder("a", "b", "c");
    assertThat(KvPeers.of(PLAN, "q")).containsExactlyInAnyOrder("b", "c");
    assertThat(KvPeers.of(PLAN, "a")).containsExactly("p");
    assertThat(KvPeers.of(PLAN, "stranger")).isEmpty();
  }

  private static Plan plan(ServingPolicy policy) {
    List<ReplicaPlan> replicas =
        List.of(
            replica(Role.PREFILL, stage("p", 0, 3), stage("q", 3, 4)),
            replica(Role.DECODE, stage("a", 0, 2), stage("b", 2, 4)),
            replica(Role.DECODE, stage("c", 0, 4)));
    List<Placement> placements = new ArrayList<>();
    for (ReplicaPlan replica : replicas) {
      replica
          .stages()
          .forEach(stage -> placements.add(new Placement(stage.device(), true, "because")));
    }
    return new Plan(
        PlanOrder.NONE,
        new PlannedFor("m", "", 4, KvType.F16, 64, Arithmetic.F32),
        "test",
        WireFormats.lossless(KvType.F16),
        policy,
        replicas,
        placements);
  }

  private static ReplicaPlan replica(Role role, StagePlan... stages) {
    return new ReplicaPlan(role, List.of(stages), 64, new ReplicaPlan.Expected(1, 1, 1, 1));
  }

  private static StagePlan stage(String device, int from, int to) {
    return new StagePlan(device, LayerRange.of(from, to));
  }
}
