package org.e2llm.samples.study;

import java.util.regex.Pattern;

/**
 * Chooses cells by their paths, {@code FLEET/MODEL/WORKLOAD/LOAD}: a star stands for anything but a
 * slash, and what is missing at the end for everything. {@code full12/*}{@code /conv} are all loads
 * of both models.
 */
final class CellFilter {
  private final Pattern pattern;

  CellFilter(String filter) {
    String regex = Pattern.quote(filter).replace("*", "\\E[^/]*\\Q");
    pattern = Pattern.compile(regex + "(/.*)?");
  }

  boolean takes(String path) {
    return pattern.matcher(path).matches();
  }
}
