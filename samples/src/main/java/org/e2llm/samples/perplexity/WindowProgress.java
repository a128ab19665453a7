package org.e2llm.samples.perplexity;

import java.util.Locale;
import org.e2llm.samples.console.Console;

/**
 * How far the measuring is, on standard error: one line that changes on a terminal, a line for
 * every tenth otherwise.
 */
final class WindowProgress {
  private final Console console;
  private final int total;
  private final long start = System.nanoTime();

  WindowProgress(Console console, int total) {
    this.console = console;
    this.total = total;
  }

  void done(int windows, double meanNll) {
    double seconds = (System.nanoTime() - start) / 1e9;
    String line =
        String.format(
            Locale.ROOT,
            "window %d of %d, perplexity %.4f, %s left",
            windows,
            total,
            Math.exp(meanNll),
            duration(seconds / windows * (total - windows)));
    if (console.terminals().err()) {
      console.note("\r\033[K" + line + (windows == total ? "\n" : ""));
    } else if (windows * 10L / total > (windows - 1) * 10L / total) {
      console.noteln(line);
    }
  }

  private static String duration(double seconds) {
    long whole = Math.round(seconds);
    if (whole < 60) {
      return whole + " s";
    }
    return whole < 3600
        ? whole / 60 + " min " + whole % 60 + " s"
        : whole / 3600 + " h " + whole / 60 % 60 + " min";
  }
}
