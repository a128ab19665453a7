package org.e2llm.planner.cost;

import java.util.Locale;

/** Amounts of memory as messages tell them: three digits, in the unit that fits. */
public final class ByteSize {
  private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB"};

  private ByteSize() {}

  /** Such as {@code 20.6 GB} or {@code 512 kB}; units are powers of 1000. */
  public static String text(long bytes) {
    double value = bytes;
    int unit = 0;
    while (Math.abs(value) >= 999.5 && unit + 1 < UNITS.length) {
      value /= 1000;
      unit++;
    }
    double size = Math.abs(value);
    String digits = unit == 0 || size >= 99.95 ? "%.0f" : size >= 9.995 ? "%.1f" : "%.2f";
    return String.format(Locale.ROOT, digits + " " + UNITS[unit], value);
  }
}
