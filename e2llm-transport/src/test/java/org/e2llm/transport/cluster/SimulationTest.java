package org.e2llm.transport.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Thousands of random histories of small clusters. A failure names its seed; {@code
 * -De2llm.cluster.seed=SEED} runs that one alone and prints it, {@code -De2llm.cluster.schedules=N}
 * runs more. How long they took to agree stands in {@code target/cluster-simulation.txt}.
 */
class SimulationTest {
  private static final long FIRST_SEED = Long.getLong("e2llm.cluster.firstSeed", 1);
  private static final int SCHEDULES = Integer.getInteger("e2llm.cluster.schedules", 10_000);

  @Test
  void whateverHappensThoseWhoReachEachOtherAgreeInTheEnd() throws IOException {
    Long seed = Long.getLong("e2llm.cluster.seed");
    long first = seed == null ? FIRST_SEED : seed;
    int count = seed == null ? SCHEDULES : 1;
    List<String> failures = new ArrayList<>();
    long[] agreedAfter = new long[count];
    long messages = 0;
    long plans = 0;
    for (int i = 0; i < count && failures.size() < 5; i++) {
      Schedule schedule = new Schedule(first + i, seed != null);
      try {
        schedule.run();
        agreedAfter[i] = schedule.agreedAfter / World.MS;
        messages += schedule.messages;
        plans += schedule.plans;
      } catch (AssertionError | RuntimeException e) {
        failures.add("seed " + (first + i) + ": " + e + " at " + e.getStackTrace()[0]);
      }
    }
    Arrays.sort(agreedAfter);
    Files.writeString(
        Path.of("target", "cluster-simulation.txt"),
        String.format(
            "%d schedules: agreed again after %d ms (median), %d ms (99 %%), %d ms (worst); "
                + "%d messages and %.1f plans asked for per schedule%n",
            count,
            agreedAfter[count / 2],
            agreedAfter[count * 99 / 100],
            agreedAfter[count - 1],
            messages / count,
            plans / (double) count));
    assertThat(failures).as("run one with -De2llm.cluster.seed=SEED").isEmpty();
  }
}
