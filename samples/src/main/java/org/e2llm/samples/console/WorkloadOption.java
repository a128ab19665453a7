package org.e2llm.samples.console;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.e2llm.plan.Workload;

/**
 * Reads {@code prompt=2000,answer=100,rate=0.5}: tokens, and requests per second; in place of the
 * rate {@code at-once=8}, how many run at a time, or neither for one.
 */
public final class WorkloadOption {
  private static final Set<String> NAMES = Set.of("prompt", "answer", "rate", "at-once");

  private WorkloadOption() {}

  public static Workload parse(String text) {
    Map<String, String> words = new HashMap<>();
    for (String part : text.split(",", -1)) {
      String[] sides = part.split("=", -1);
      String name = sides[0].strip();
      if (sides.length != 2 || !NAMES.contains(name)) {
        throw wrong(text, "'" + part + "' is not prompt=N, answer=N, rate=R or at-once=N");
      }
      words.put(name, sides[1].strip());
    }
    if (!words.containsKey("prompt") || !words.containsKey("answer")) {
      throw wrong(text, "prompt=N and answer=N are needed");
    }
    int answer = whole(text, words, "answer");
    List<Workload.Lengths> lengths =
        List.of(new Workload.Lengths(whole(text, words, "prompt"), answer));
    int atOnce =
        words.containsKey("at-once")
            ? whole(text, words, "at-once")
            : rate(text, words) > 0 ? 0 : 1;
    int most = Math.max(Workload.DEFAULT_MAX_TOKENS, answer);
    return new Workload(lengths, rate(text, words), atOnce, most);
  }

  private static int whole(String text, Map<String, String> words, String name) {
    String word = words.getOrDefault(name, "");
    if (!word.matches("[1-9][0-9]{0,6}")) {
      throw wrong(text, name + "='" + word + "' is no whole number above 0");
    }
    return Integer.parseInt(word);
  }

  private static double rate(String text, Map<String, String> words) {
    String word = words.getOrDefault("rate", "0");
    try {
      double rate = Double.parseDouble(word);
      if (rate >= 0 && rate < Double.POSITIVE_INFINITY) {
        return rate;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw wrong(text, "rate='" + word + "' is no number of requests per second");
  }

  private static UsageException wrong(String text, String what) {
    return new UsageException("--workload " + text + ": " + what);
  }
}
