package org.e2llm.kernels.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.e2llm.ClosedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WorkerTeamTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 9})
  void everyWorkerRunsOncePerTask(int workers) {
    AtomicIntegerArray runs = new AtomicIntegerArray(workers);
    try (WorkerTeam team = new WorkerTeam(workers)) {
      assertThat(team.workers()).isEqualTo(workers);
      for (int i = 1; i <= 3000; i++) {
        team.run(
            (worker, count) -> {
              assertThat(count).isEqualTo(workers);
              runs.incrementAndGet(worker);
            });
        for (int w = 0; w < workers; w++) {
          assertThat(runs.get(w)).isEqualTo(i);
        }
      }
    }
  }

  @Test
  void theCallerIsWorkerZeroAndTheOthersAreNamedDaemons() {
    AtomicReferenceArray<Thread> threads = new AtomicReferenceArray<>(3);
    try (WorkerTeam team = new WorkerTeam(3)) {
      team.run((worker, workers) -> threads.set(worker, Thread.currentThread()));
      assertThat(threads.get(0)).isSameAs(Thread.currentThread());
      for (int worker = 1; worker < 3; worker++) {
        assertThat(threads.get(worker).getName()).isEqualTo("e2llm-worker-" + worker);
        assertThat(threads.get(worker).isDaemon()).isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void whatAWorkerThrowsReachesTheCallerAndTheTeamGoesOn(int failing) {
    try (WorkerTeam team = new WorkerTeam(3)) {
      AtomicIntegerArray finished = new AtomicIntegerArray(3);
      assertThatThrownBy(
              () ->
                  team.run(
                      (worker, workers) -> {
                        if (worker == failing) {
                          throw new IllegalStateException("worker " + worker);
                        }
                        finished.incrementAndGet(worker);
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("worker " + failing);
      team.run((worker, workers) -> finished.incrementAndGet(worker));
      for (int worker = 0; worker < 3; worker++) {
        assertThat(finished.get(worker)).isEqualTo(worker == failing ? 1 : 2);
      }
    }
  }

  @Test
  void callersTakeTurns() throws Exception {
    AtomicIntegerArray runs = new AtomicIntegerArray(2);
    try (WorkerTeam team = new WorkerTeam(2)) {
      Thread[] callers = new Thread[4];
      for (int i = 0; i < callers.length; i++) {
        callers[i] =
            new Thread(
                () -> {
                  for (int run = 0; run < 500; run++) {
                    team.run((worker, workers) -> runs.incrementAndGet(worker));
                  }
                });
        callers[i].start();
      }
      for (Thread caller : callers) {
        caller.join();
      }
    }
    assertThat(runs.get(0)).isEqualTo(2000);
    assertThat(runs.get(1)).isEqualTo(2000);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aTaskCannotRunATask(int nesting) {
    try (WorkerTeam team = new WorkerTeam(2)) {
      assertThatThrownBy(
              () ->
                  team.run(
                      (worker, workers) -> {
                        if (worker == nesting) {
                          team.run((w, ws) -> {});
                        }
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("own team");
    }
  }

  @Test
  void closingEndsTheThreadsAndMayBeRepeated() throws Exception {
    WorkerTeam team = new WorkerTeam(3);
    AtomicReferenceArray<Thread> threads = new AtomicReferenceArray<>(3);
    team.run((worker, workers) -> threads.set(worker, Thread.currentThread()));
    team.close();
    team.close();
    for (int worker = 1; worker < 3; worker++) {
      threads.get(worker).join(TimeUnit.SECONDS.toMillis(30));
      assertThat(threads.get(worker).isAlive()).isFalse();
    }
    assertThatThrownBy(() -> team.run((worker, workers) -> {})).isInstanceOf(ClosedException.class);
  }

  @Test
  void closingWaitsForTheTaskInProgress() throws Exception {
    WorkerTeam team = new WorkerTeam(2);
    CountDownLatch started = new CountDownLatch(2);
    CountDownLatch release = new CountDownLatch(1);
    AtomicIntegerArray done = new AtomicIntegerArray(2);
    Thread caller =
        new Thread(
            () ->
                team.run(
                    (worker, workers) -> {
                      started.countDown();
                      await(release);
                      done.set(worker, 1);
                    }));
    caller.start();
    started.await();
    Thread closer = new Thread(team::close);
    closer.start();
    release.countDown();
    closer.join();
    caller.join();
    assertThat(done.get(0) + done.get(1)).isEqualTo(2);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void anInterruptedCallerStillWaitsAndStaysInterrupted() {
    AtomicIntegerArray done = new AtomicIntegerArray(2);
    try (WorkerTeam team = new WorkerTeam(2)) {
      Thread.currentThread().interrupt();
      team.run(
          (worker, workers) -> {
            for (int i = 0; i < 5_000_000 * worker; i++) {
              Thread.onSpinWait();
            }
            done.set(worker, 1);
          });
      assertThat(Thread.interrupted()).isTrue();
      assertThat(done.get(1)).isEqualTo(1);
    }
  }

  @Test
  void aRunAllocatesNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    WorkerTeam.Task task = (worker, workers) -> {};
    try (WorkerTeam team = new WorkerTeam(3)) {
      for (int i = 0; i < 2000; i++) {
        team.run(task);
      }
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 2000; i++) {
        team.run(task);
      }
      assertThat(threads.getCurrentThreadAllocatedBytes() - before).isZero();
    }
  }

  @Test
  void aTeamNeedsAWorker() {
    assertThatThrownBy(() -> new WorkerTeam(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("workers: 0");
  }
}
