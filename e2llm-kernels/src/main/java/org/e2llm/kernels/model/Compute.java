package org.e2llm.kernels.model;

import org.e2llm.kernels.math.Kernels;
import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.WorkerTeam;

/**
 * Who computes: the kernels, the team, and each worker's scratch memory. One per engine; a stage
 * uses it from one thread at a time.
 */
public final class Compute implements AutoCloseable {
  /** Rows of a matrix are handed out in multiples of this, so that tiles stay whole. */
  private static final int ROW_UNIT = 16;

  /** Under so many elements a loop costs less than waking the team. */
  private static final int SERIAL_ELEMENTS = 8192;

  private final Kernels kernels;
  private final WorkerTeam team;
  private final Scratch[] scratch;

  public Compute(Kernels kernels, int threads) {
    this.kernels = kernels;
    team = new WorkerTeam(threads);
    scratch = new Scratch[threads];
    for (int i = 0; i < threads; i++) {
      scratch[i] = new Scratch();
    }
  }

  public int workers() {
    return team.workers();
  }

  Kernels kernels() {
    return kernels;
  }

  Scratch scratch(int worker) {
    return scratch[worker];
  }

  /** Runs {@code task} on all workers and waits for them. */
  void run(WorkerTeam.Task task) {
    team.run(task);
  }

  /** As {@link #run}, on this thread alone where {@code elements} are few. */
  void runRows(WorkerTeam.Task task, long elements) {
    if (elements < SERIAL_ELEMENTS) {
      task.run(0, 1);
    } else {
      team.run(task);
    }
  }

  /** Where worker {@code worker}'s share of {@code rows} matrix rows begins. */
  static int cut(int rows, int worker, int workers) {
    long units = (rows + ROW_UNIT - 1) / ROW_UNIT;
    return (int) Math.min(rows, units * worker / workers * ROW_UNIT);
  }

  /** Where worker {@code worker}'s share of {@code items} begins. */
  static int share(int items, int worker, int workers) {
    return (int) ((long) items * worker / workers);
  }

  @Override
  public void close() {
    team.close();
  }
}
