package org.e2llm.planner.grouping;

import java.util.List;

/** Gives groups their roles, and so says what a grouping is worth. */
public interface Roles {
  /**
   * The best roles it knows for these groups.
   *
   * @param groups devices in order; no device twice
   */
  Arrangement assign(SearchSpace space, List<int[]> groups);
}
