package org.e2llm.samples.cluster;

import java.util.Locale;
import org.e2llm.samples.console.UsageException;

/** Sizes as people write them: 2G, 800M, 1.5GiB. */
final class SizeText {
  private SizeText() {}

  static long parse(String option, String text) {
    String digits = text.toUpperCase(Locale.ROOT).replaceAll("I?B?$", "");
    int shift = 0;
    if (!digits.isEmpty()) {
      shift = 10 * (" KMGT".indexOf(digits.charAt(digits.length() - 1)));
      digits = shift > 0 ? digits.substring(0, digits.length() - 1) : digits;
    }
    try {
      double value = Double.parseDouble(digits) * (1L << Math.max(0, shift));
      if (value >= 1 && value < Long.MAX_VALUE) {
        return (long) value;
      }
    } catch (NumberFormatException e) {
      throw new UsageException(option + " " + text + ": expected is a size such as 2G or 800M");
    }
    throw new UsageException(option + " " + text + ": expected is a size above 0, such as 2G");
  }
}
