package org.e2llm.samples.console;

import java.util.Locale;
import java.util.function.Consumer;
import org.e2llm.Progress;

/**
 * Says on standard error how far a long step has come: only to a terminal, only after half a
 * second, and on one line that vanishes when the step is done. Thread-safe.
 */
public final class ProgressLine implements Consumer<Progress>, AutoCloseable {
  private static final long PATIENCE_NANOS = 500_000_000;

  private final Console console;
  private final long start = System.nanoTime();
  private boolean closed;

  private ProgressLine(Console console, boolean wanted) {
    this.console = console;
    this.closed = !wanted || !console.terminals().err();
  }

  /** A line for {@code console}, or one that says nothing if it is not wanted. */
  public static ProgressLine on(Console console, boolean wanted) {
    return new ProgressLine(console, wanted);
  }

  @Override
  public void accept(Progress progress) {
    if (progress.phase() == Progress.Phase.FIND) {
      show("looking for a peer that has a model: " + progress.done() / 1000 + " s");
      return;
    }
    String phase = progress.phase().name().toLowerCase(Locale.ROOT);
    show(String.format(Locale.ROOT, "%s %.0f %%", phase, 100 * progress.fraction()));
  }

  /** Replaces the line. */
  public synchronized void show(String text) {
    if (!closed && System.nanoTime() - start > PATIENCE_NANOS) {
      console.status(text);
    }
  }

  @Override
  public void close() {
    finish();
  }

  /** Erases the line; nothing is shown any more. */
  public synchronized void finish() {
    if (!closed) {
      console.status("");
    }
    closed = true;
  }
}
