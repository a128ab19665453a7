package org.e2llm.samples.console;

import org.e2llm.plan.Slo;

/** Reads {@code ttft=10,tpot=0.25}, in seconds; what is not named has no limit. */
public final class SloOption {
  private SloOption() {}

  public static Slo parse(String text) {
    double ttft = Double.POSITIVE_INFINITY;
    double tpot = Double.POSITIVE_INFINITY;
    for (String part : text.split(",", -1)) {
      String[] sides = part.split("=", -1);
      String name = sides[0].strip();
      if (sides.length != 2 || !(name.equals("ttft") || name.equals("tpot"))) {
        throw new UsageException(
            "--slo " + text + ": '" + part + "' is not ttft=SECONDS or tpot=SECONDS");
      }
      double seconds = seconds(text, sides[1]);
      if (name.equals("ttft")) {
        ttft = seconds;
      } else {
        tpot = seconds;
      }
    }
    return new Slo(ttft, tpot);
  }

  private static double seconds(String text, String word) {
    try {
      return Double.parseDouble(word.strip());
    } catch (NumberFormatException e) {
      throw new UsageException("--slo " + text + ": '" + word + "' is no number of seconds");
    }
  }
}
