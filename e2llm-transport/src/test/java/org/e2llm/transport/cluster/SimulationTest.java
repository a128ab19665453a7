package org.e2llm.transport.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Thousands of random histories of small clusters. A failure names its seed; {@code
 * -De2llm.cluster.seed=SEED} runs that one alone and prints it, {@code -De2llm.cluster.schedules=N}
 * runs more.
 */
class SimulationTest {
  private static final long FIRST_SEED = Long.getLong("e2llm.cluster.firstSeed", 1);
  private static final int SCHEDULES = Integer.getInteger("e2llm.cluster.schedules", 10_000);

  @Test
  void whateverHappensThoseWhoReachEachOtherAgreeInTheEnd() {
    Long seed = Long.getLong("e2llm.cluster.seed");
    long first = seed == null ? FIRST_SEED : seed;
    int count = seed == null ? SCHEDULES : 1;
    List<String> failures = new ArrayList<>();
    for (int i = 0; i < count && failures.size() < 5; i++) {
      Schedule schedule = new Schedule(first + i, seed != null);
      try {
        schedule.run();
      } catch (AssertionError | RuntimeException e) {
        failures.add("seed " + (first + i) + ": " + e + " at " + e.getStackTrace()[0]);
      }
    }
    assertThat(failures).as("run one with -De2llm.cluster.seed=SEED").isEmpty();
  }
}
