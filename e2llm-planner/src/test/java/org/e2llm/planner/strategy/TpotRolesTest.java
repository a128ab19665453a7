package org.e2llm.planner.strategy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.planner.Planner;
import org.e2llm.planner.catalog.KnownFleets;
import org.e2llm.planner.catalog.KnownModels;
import org.e2llm.planner.grouping.Arrangement;
import org.e2llm.planner.grouping.Member;
import org.e2llm.planner.grouping.MixedRoles;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.planner.simulator.Simulator;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.junit.jupiter.api.Test;

class TpotRolesTest {
  private static final Workload SHORT_ANSWERS =
      Workload.atRate(
          List.of(
              new Workload.Lengths(500, 30),
              new Workload.Lengths(1500, 30),
              new Workload.Lengths(4000, 30)),
          2);

  /** The PC's card and the AGX keep such a TPOT, nobody else does. */
  private static final Slo SLO = new Slo(4.3, 0.0363);

  private static Question question(Slo slo) {
    return new Planner()
        .question(
            KnownModels.get("llama3-8b-q4"),
            KnownFleets.get("full12"),
            SHORT_ANSWERS,
            slo,
            PlanOptions.DEFAULTS,
            PlanListener.NONE);
  }

  private static Candidate eachAlone(Question question, String... devices) {
    List<int[]> groups = new ArrayList<>();
    for (String device : devices) {
      groups.add(new int[] {question.space().network().number(device)});
    }
    Arrangement arrangement = new MixedRoles().assign(question.space(), groups);
    return new Candidate(arrangement, Candidates.FREE, "each alone");
  }

  private static String roles(Question question, Candidate candidate) {
    List<String> roles = new ArrayList<>();
    for (Member member : candidate.members()) {
      String device = question.space().network().device(member.devices()[0]).id();
      roles.add(device + (member.role() == Role.PREFILL ? " for prompts" : ""));
    }
    return String.join(", ", roles);
  }

  @Test
  void whoKeepsTheTpotDoesBothAndTheQuickestOfTheOthersComputePrompts() {
    Question question = question(SLO);
    Candidate before = eachAlone(question, "rtx3060", "i7", "agx", "m2-1", "nx");
    List<Candidate> found = new TpotRoles(question).of(before);
    assertThat(found)
        .filteredOn(candidate -> candidate.policy().slo().equals(SLO))
        .extracting(candidate -> roles(question, candidate))
        .containsExactly(
            "rtx3060, agx, nx, m2-1, i7",
            "rtx3060, agx, nx for prompts, m2-1, i7",
            "rtx3060, agx, nx for prompts, m2-1 for prompts, i7",
            "rtx3060, agx, nx for prompts, m2-1 for prompts, i7 for prompts");
    assertThat(found).hasSize(8).extracting(Candidate::policy).contains(inView(question, 0));
  }

  @Test
  void whereNobodyKeepsItNoRolesFollow() {
    Question question = question(new Slo(4.3, 0.001));
    assertThat(new TpotRoles(question).of(eachAlone(question, "rtx3060", "agx"))).isEmpty();
  }

  /** Answers that may go anywhere also go where they are late. */
  @Test
  void keepsMoreOfAnSloThanTheSameReplicasServedFreely() {
    Question question = question(SLO);
    Candidate free =
        eachAlone(question, "rtx3060", "agx", "nx", "m2-1", "m2-2")
            .withPolicy(Candidates.FREE.withSlo(SLO));
    Candidate inRoles = new TpotRoles(question).of(free).get(5); // two for prompts, all in view
    assertThat(inRoles.policy()).isEqualTo(inView(question, 1));
    assertThat(goodput(question, inRoles)).isGreaterThan(goodput(question, free));
  }

  private static ServingPolicy inView(Question question, int view) {
    return ServingPolicy.ROLES.withSlo(question.views().get(view));
  }

  private static double goodput(Question question, Candidate candidate) {
    Deployment deployment =
        new Deployment(
            PlanMaker.bare(question, candidate),
            question.space().network(),
            question.space().cost());
    Requests requests = Requests.poisson(Lengths.of(SHORT_ANSWERS), 1000, 2, 1);
    return Simulator.run(deployment, requests).goodput(SLO);
  }
}
