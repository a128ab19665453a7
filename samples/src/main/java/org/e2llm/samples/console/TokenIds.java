package org.e2llm.samples.console;

import java.util.Arrays;
import java.util.List;

/** Token ids as they are written on a command line: apart by spaces or commas. */
public final class TokenIds {
  private TokenIds() {}

  public static int[] parse(List<String> words) {
    return Arrays.stream(String.join(" ", words).split("[\\s,]+"))
        .filter(word -> !word.isEmpty())
        .mapToInt(TokenIds::parse)
        .toArray();
  }

  private static int parse(String word) {
    try {
      return Integer.parseInt(word);
    } catch (NumberFormatException e) {
      throw new UsageException("'" + word + "' is no token id");
    }
  }
}
