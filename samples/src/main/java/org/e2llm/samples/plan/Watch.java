package org.e2llm.samples.plan;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import org.e2llm.PlanCancelledException;
import org.e2llm.plan.PlanListener;
import org.e2llm.samples.console.ProgressLine;

/**
 * Shows how far the current part is, and ends it when Ctrl-C was pressed. Thread-safe: steps of a
 * part may run at the same time.
 */
final class Watch {
  private final ProgressLine line;
  private final AtomicBoolean cancelled = new AtomicBoolean();
  private String part = "";
  private int steps = 1;
  private double done;

  Watch(ProgressLine line) {
    this.line = line;
  }

  /** Ends what runs, soon. */
  void cancel() {
    cancelled.set(true);
  }

  /** Begins a part of so many steps. */
  synchronized void part(String name, int count) {
    part = name;
    steps = Math.max(1, count);
    done = 0;
    show(0);
  }

  /**
   * One more step is done.
   *
   * @throws PlanCancelledException if it shall go no further
   */
  void step() {
    show(1);
    if (cancelled.get()) {
      throw new PlanCancelledException("cancelled by Ctrl-C");
    }
  }

  /** Watches the planning of one plan, which is one step. */
  PlanListener listener() {
    return new PlanListener() {
      private double before;

      @Override
      public boolean isCancelled() {
        return cancelled.get();
      }

      @Override
      public void progress(double fraction) {
        show(fraction - before);
        before = fraction;
      }
    };
  }

  private synchronized void show(double more) {
    done += more;
    line.show(String.format(Locale.ROOT, "%s %.0f %%", part, 100 * Math.min(1, done / steps)));
  }
}
