package org.e2llm.planner.grouping;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.e2llm.PlanCancelledException;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.Slo;
import org.e2llm.planner.catalog.KnownFleets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The genetic search comes within a hundredth of the best there is, where that can be known. */
class GeneticSearchTest {
  private static final int BUDGET = 3000;

  @ParameterizedTest
  @ValueSource(strings = {"llama3-8b-q4", "qwen25-32b-q4"})
  void comesWithinAHundredthOfEveryArrangementOfFewDevices(String model) {
    int feasible = 0;
    for (int seed = 0; seed < 24; seed++) {
      Random random = new Random(seed);
      Fleet fleet = Spaces.fleet(random, 3 + seed % 4);
      SearchSpace space = Spaces.of(fleet, model, Spaces.workload(random));
      Arrangement oracle = ExhaustiveSearch.run(space, new EveryRole(), SearchWatch.none());
      Arrangement found = search(space, new SplitRoles(), 1);
      assertThat(found.score())
          .as("seed %s, %s", seed, fleet.devices())
          .isGreaterThanOrEqualTo(0.99 * oracle.score());
      Arrangement mixedOracle = ExhaustiveSearch.run(space, new MixedRoles(), SearchWatch.none());
      Arrangement mixed = search(space, new MixedRoles(), 1);
      assertThat(mixed.score())
          .as("seed %s, %s", seed, fleet.devices())
          .isGreaterThanOrEqualTo(0.99 * mixedOracle.score());
      feasible += oracle.isFeasible() ? 1 : 0;
    }
    assertThat(feasible).isGreaterThan(8);
  }

  @Test
  void comesWithinAHundredthForSevenDevices() {
    for (int seed = 100; seed < 102; seed++) {
      Random random = new Random(seed);
      SearchSpace space =
          Spaces.of(Spaces.fleet(random, 7), "qwen25-32b-q4", Spaces.workload(random));
      Arrangement oracle = ExhaustiveSearch.run(space, new EveryRole(), SearchWatch.none());
      assertThat(search(space, new SplitRoles(), 1).score())
          .isGreaterThanOrEqualTo(0.99 * oracle.score());
    }
  }

  @Test
  void theSameSeedGivesTheSamePlan() {
    for (String fleet : KnownFleets.names()) {
      Arrangement one =
          search(
              Spaces.of(KnownFleets.get(fleet), "qwen25-32b-q4", Spaces.conv()),
              new SplitRoles(),
              7);
      Arrangement two =
          search(
              Spaces.of(KnownFleets.get(fleet), "qwen25-32b-q4", Spaces.conv()),
              new SplitRoles(),
              7);
      assertThat(two.score()).isEqualTo(one.score());
      assertThat(describe(two)).isEqualTo(describe(one));
    }
  }

  @Test
  void findsOnlyGroupsThatKeepAnSloWhereTheseAreAskedFor() {
    SearchSpace all = Spaces.of(KnownFleets.get("full12"), "llama3-8b-q4", Spaces.conv());
    Slo slo = new Slo(5, 0.04);
    SearchSpace keeping = all.keeping(slo);
    for (Roles roles : List.of(new SplitRoles(), new MixedRoles())) {
      Arrangement found = search(keeping, roles, 1);
      assertThat(found.isFeasible()).isTrue();
      assertThat(missing(found, slo)).isEmpty();
      assertThat(missing(search(all, roles, 1), slo)).isNotEmpty();
    }
    SearchSpace impossible = all.keeping(new Slo(5, 1e-4));
    assertThat(search(impossible, new MixedRoles(), 1).isFeasible()).isFalse();
  }

  private static List<Member> missing(Arrangement arrangement, Slo slo) {
    List<Member> missing = new ArrayList<>(arrangement.members());
    missing.removeIf(
        member ->
            (member.role() == Role.DECODE
                    || member.estimate().ttftSeconds() <= slo.ttftSeconds() / 2)
                && (member.role() == Role.PREFILL
                    || member.estimate().tpotSeconds() <= slo.tpotSeconds()));
    return missing;
  }

  @Test
  void equalDevicesAreAllUsed() {
    SearchSpace space = Spaces.of(KnownFleets.get("homog8"), "llama3-8b-q4", Spaces.conv());
    Arrangement best = search(space, new MixedRoles(), 1);
    assertThat(best.members()).allSatisfy(m -> assertThat(m.role()).isEqualTo(Role.MIXED));
    assertThat(best.members().stream().mapToInt(member -> member.devices().length).sum())
        .isEqualTo(8);
  }

  @Test
  void isCancelledAndTellsItsProgress() {
    SearchSpace space = Spaces.of(KnownFleets.get("full12"), "llama3-8b-q4", Spaces.conv());
    List<Double> progress = new ArrayList<>();
    SearchWatch watch = new SearchWatch(() -> progress.size() >= 10, progress::add);
    watch.part(1, BUDGET);
    assertThatThrownBy(() -> GeneticSearch.run(space, new SplitRoles(), watch, 1, 1))
        .isInstanceOf(PlanCancelledException.class);
    assertThat(progress).isSorted().hasSize(10);
  }

  @Test
  void progressOfPartsAddsUp() {
    List<Double> progress = new ArrayList<>();
    SearchWatch all = new SearchWatch(() -> false, progress::add);
    SearchWatch first = all.sub(0.5);
    first.part(1, 2);
    first.step();
    first.step();
    SearchWatch second = all.sub(0.5);
    second.part(0.5, 1);
    second.step();
    second.part(0.5, 1);
    second.step();
    assertThat(progress).containsExactly(0.25, 0.5, 0.75, 1.0);
  }

  private static Arrangement search(SearchSpace space, Roles roles, long seed) {
    SearchWatch watch = SearchWatch.none();
    watch.part(1, BUDGET);
    List<Arrangement> best = GeneticSearch.run(space, roles, watch, seed, 5);
    return best.isEmpty() ? Arrangement.NONE : best.get(0);
  }

  private static String describe(Arrangement arrangement) {
    StringBuilder text = new StringBuilder();
    for (Member member : arrangement.members()) {
      text.append(member.role()).append(Arrays.toString(member.devices()));
      text.append(member.layers()).append('\n');
    }
    return text.toString();
  }
}
