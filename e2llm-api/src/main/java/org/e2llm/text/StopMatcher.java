package org.e2llm.text;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds stop sequences in text that comes in pieces, and holds back what may become one.
 *
 * <p>The text ends where the first stop sequence is complete; if several end at the same character,
 * the longest counts. So the result does not depend on where the pieces begin and end. One
 * Knuth–Morris–Pratt automaton per sequence. Not thread-safe.
 */
public final class StopMatcher {
  private final List<String> stops;

  /** Per sequence: {@code borders[s][i]}, the longest proper prefix that ends its first i + 1. */
  private final int[][] borders;

  /** Per sequence: how many of its characters the text ends with. */
  private final int[] matched;

  private final StringBuilder held = new StringBuilder();
  private @Nullable String found;

  public StopMatcher(List<String> stops) {
    this.stops = List.copyOf(stops);
    this.matched = new int[stops.size()];
    this.borders = new int[stops.size()][];
    for (int s = 0; s < borders.length; s++) {
      borders[s] = borders(stops.get(s));
    }
  }

  private static int[] borders(String stop) {
    int[] borders = new int[stop.length()];
    int length = 0;
    for (int i = 1; i < stop.length(); i++) {
      while (length > 0 && stop.charAt(i) != stop.charAt(length)) {
        length = borders[length - 1];
      }
      if (stop.charAt(i) == stop.charAt(length)) {
        length++;
      }
      borders[i] = length;
    }
    return borders;
  }

  /** Takes a piece of text; gives what is now certain not to be part of a stop sequence. */
  public String append(String text) {
    if (found != null || text.isEmpty()) {
      return "";
    }
    if (borders.length == 0) {
      return text;
    }
    for (int i = 0; i < text.length(); i++) {
      held.append(text.charAt(i));
      step(text.charAt(i));
      if (found != null) {
        return release(held.length() - found.length());
      }
    }
    int undecided = 0;
    for (int length : matched) {
      undecided = Math.max(undecided, length);
    }
    return release(held.length() - undecided);
  }

  private void step(char c) {
    for (int s = 0; s < borders.length; s++) {
      String stop = stops.get(s);
      int length = matched[s];
      while (length > 0 && stop.charAt(length) != c) {
        length = borders[s][length - 1];
      }
      if (stop.charAt(length) == c) {
        length++;
      }
      matched[s] = length;
      if (length == stop.length() && (found == null || length > found.length())) {
        found = stop;
      }
    }
  }

  private String release(int count) {
    String text = held.substring(0, count);
    held.delete(0, count);
    return text;
  }

  /** The stop sequence that was completed, or null. */
  public @Nullable String found() {
    return found;
  }

  /** At the end of the text: what was held back; empty if a stop sequence was completed. */
  public String finish() {
    return found != null ? "" : release(held.length());
  }
}
