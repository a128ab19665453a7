package org.e2llm.transport.stage;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Random schedules of losses. {@code -De2llm.schedules=N} runs more, {@code -De2llm.schedule=SEED}
 * one of them; with the same seed the same things happen at the same frames, though threads differ.
 */
class ScheduleTest {
  /** They mostly wait for each other's threads. */
  private static final int AT_ONCE = 4;

  @Test
  @Timeout(200)
  void whateverIsLostTheTextIsThatOfOneDevice() throws Exception {
    runAll(false);
  }

  @Test
  @Timeout(200)
  void alsoWhereAnotherReplicaComputesPrompts() throws Exception {
    runAll(true);
  }

  private static void runAll(boolean prompts) throws Exception {
    Integer one = Integer.getInteger("e2llm.schedule");
    int count = one == null ? Integer.getInteger("e2llm.schedules", prompts ? 300 : 1000) : 1;
    AtomicInteger next = new AtomicInteger(one == null ? 0 : one);
    int end = next.get() + count;
    ExecutorService lanes = Executors.newFixedThreadPool(AT_ONCE);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < AT_ONCE; i++) {
        all.add(
            lanes.submit(
                () -> {
                  for (int seed = next.getAndIncrement(); seed < end; ) {
                    Schedule.run(seed, prompts);
                    seed = next.getAndIncrement();
                  }
                }));
      }
      for (Future<?> lane : all) {
        lane.get();
      }
    } finally {
      lanes.shutdownNow();
    }
  }
}
