package org.e2llm.samples.study;

import java.time.Duration;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.ProgressLine;

/**
 * Says how far the study is and how long the rest may take: on a terminal in one line that changes,
 * else in a line per cell. Thread-safe.
 */
final class Pace implements AutoCloseable {
  private final Console console;
  private final ProgressLine line;
  private final int cells;
  private final long start = System.nanoTime();
  private int done;

  Pace(Console console, int cells) {
    this.console = console;
    this.cells = cells;
    this.line = ProgressLine.on(console, true);
    line.show("0 of " + cells + " cells");
  }

  /** A cell is in the results. */
  synchronized void done(String cell) {
    done++;
    double seconds = (System.nanoTime() - start) * 1e-9;
    String text =
        done
            + " of "
            + cells
            + " cells in "
            + clock(seconds)
            + ", about "
            + clock(seconds / done * (cells - done))
            + " left: "
            + cell;
    if (console.terminals().err()) {
      line.show(text);
    } else {
      console.noteln(text);
    }
  }

  private static String clock(double seconds) {
    Duration duration = Duration.ofSeconds(Math.round(seconds));
    return duration.toMinutes() + " min " + duration.toSecondsPart() + " s";
  }

  @Override
  public void close() {
    line.close();
  }
}
