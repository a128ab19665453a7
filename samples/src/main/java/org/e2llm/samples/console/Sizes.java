package org.e2llm.samples.console;

import java.util.Locale;

/** Numbers as people read them, whatever the locale. */
public final class Sizes {
  private static final String[] BINARY = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  private static final String[] DECIMAL = {"", " K", " M", " B", " T"};

  private Sizes() {}

  /** Bytes, such as {@code 1.07 GiB}. */
  public static String of(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 1000 && unit < BINARY.length - 1) {
      value /= 1024;
      unit++;
    }
    return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.2f %s", value, BINARY[unit]);
  }

  /** A count, such as {@code 1.10 B}. */
  public static String count(long count) {
    double value = count;
    int unit = 0;
    while (value >= 1000 && unit < DECIMAL.length - 1) {
      value /= 1000;
      unit++;
    }
    return String.format(Locale.ROOT, unit == 0 ? "%.0f%s" : "%.2f%s", value, DECIMAL[unit]);
  }

  /** All digits, such as {@code 1,100,048,384}. */
  public static String grouped(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }
}
