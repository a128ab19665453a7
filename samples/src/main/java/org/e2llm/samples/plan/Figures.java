package org.e2llm.samples.plan;

import java.util.Locale;

/** Figures of three digits, whatever the locale. */
final class Figures {
  private Figures() {}

  /** Three significant digits, and a dash for what was not measured. */
  static String number(double value) {
    if (Double.isNaN(value)) {
      return "-";
    } else if (Double.isInfinite(value)) {
      return "no limit";
    }
    double size = Math.abs(value);
    int decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }

  /** Seconds with their unit. */
  static String seconds(double value) {
    String number = number(value);
    return Double.isFinite(value) ? number + " s" : number;
  }
}
