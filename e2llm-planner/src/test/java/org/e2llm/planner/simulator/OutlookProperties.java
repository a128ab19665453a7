package org.e2llm.planner.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.e2llm.plan.Slo;
import org.e2llm.planner.simulator.Scenarios.Scenario;

/** A simulation is only given up when it could not have come out well enough. */
class OutlookProperties {
  @Provide
  Arbitrary<Scenario> scenarios() {
    return Scenarios.any();
  }

  @Property(tries = 500)
  void nothingIsToldThatIsMoreThanWhatComesOfIt(@ForAll("scenarios") Scenario scenario) {
    Slo slo = slo(scenario);
    double[] told = new double[3];
    SimulationResult result =
        Simulator.run(
            scenario.deployment(),
            scenario.requests(),
            slo,
            (seconds, missed) -> {
              told[0]++;
              told[1] = Math.max(told[1], seconds);
              told[2] = Math.max(told[2], missed);
              return true;
            });
    assertThat(told[0]).as("times it was asked").isBetween(1.0, 130.0);
    assertThat(told[1]).isPositive().isLessThanOrEqualTo(seconds(result));
    assertThat(told[2]).isLessThanOrEqualTo(1 - Objects.requireNonNull(result).goodput(slo));
  }

  @Property(tries = 100)
  void lookingChangesNothing(@ForAll("scenarios") Scenario scenario) {
    SimulationResult looked =
        Simulator.run(scenario.deployment(), scenario.requests(), Slo.NONE, (s, m) -> true);
    SimulationResult plain = Simulator.run(scenario.deployment(), scenario.requests());
    for (Metric metric : Metric.values()) {
      assertThat(Objects.requireNonNull(looked).distribution(metric))
          .isEqualTo(plain.distribution(metric));
    }
  }

  @Property(tries = 200)
  void theEndIsReachedJustWhereItIsGoodEnough(@ForAll("scenarios") Scenario scenario) {
    double limit =
        seconds(Simulator.run(scenario.deployment(), scenario.requests()))
            * (0.5 + scenario.random().nextDouble());
    SimulationResult result =
        Simulator.run(
            scenario.deployment(), scenario.requests(), Slo.NONE, (least, m) -> least <= limit);
    // Near the end it may be too late to see it.
    assertThat(result == null || seconds(result) <= limit * 1.1).isTrue();
    assertThat(result != null || seconds(plain(scenario)) > limit).isTrue();
  }

  private static SimulationResult plain(Scenario scenario) {
    return Simulator.run(scenario.deployment(), scenario.requests());
  }

  private static double seconds(SimulationResult result) {
    return Objects.requireNonNull(result).distribution(Metric.E2E).mean();
  }

  /** Sometimes kept by all, sometimes by none. */
  private static Slo slo(Scenario scenario) {
    SimulationResult plain = plain(scenario);
    double factor = 0.3 + 2 * scenario.random().nextDouble();
    return new Slo(
        Math.max(1e-9, factor * plain.distribution(Metric.TTFT).p50()),
        scenario.random().nextBoolean()
            ? Double.POSITIVE_INFINITY
            : Math.max(1e-9, factor * plain.distribution(Metric.E2E).p50()));
  }
}
