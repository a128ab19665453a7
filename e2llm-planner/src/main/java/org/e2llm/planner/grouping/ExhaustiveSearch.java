package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Tries every way to put devices into ordered groups, or to leave them out: for few devices, and to
 * say how near other searches come.
 */
public final class ExhaustiveSearch {
  /** With more devices there are too many ways: 37,633 for seven, 4.6 million for nine. */
  public static final int MOST_DEVICES = 7;

  private final SearchSpace space;
  private final Roles roles;
  private final SearchWatch watch;
  private final Set<String> seen = new HashSet<>();
  private Arrangement best = Arrangement.NONE;

  private ExhaustiveSearch(SearchSpace space, Roles roles, SearchWatch watch) {
    this.space = space;
    this.roles = roles;
    this.watch = watch;
  }

  /**
   * The best arrangement of all.
   *
   * @throws IllegalArgumentException for more than {@link #MOST_DEVICES}
   */
  public static Arrangement run(SearchSpace space, Roles roles, SearchWatch watch) {
    if (space.count() > MOST_DEVICES) {
      throw new IllegalArgumentException(space.count() + " devices are too many to try all ways");
    }
    ExhaustiveSearch search = new ExhaustiveSearch(space, roles, watch);
    search.place(0, new ArrayList<>());
    return search.best;
  }

  /** The next device goes nowhere, into any place of any group, or begins one. */
  private void place(int next, List<int[]> groups) {
    if (next == space.count()) {
      judge(groups);
      return;
    }
    int device = space.device(next);
    place(next + 1, groups);
    for (int g = 0; g < groups.size(); g++) {
      int[] group = groups.get(g);
      for (int at = 0; at <= group.length; at++) {
        groups.set(g, SearchSpace.insertedAt(group, at, device));
        place(next + 1, groups);
      }
      groups.set(g, group);
    }
    groups.add(new int[] {device});
    place(next + 1, groups);
    groups.remove(groups.size() - 1);
  }

  private void judge(List<int[]> groups) {
    if (seen.add(new Grouping(groups).key(space))) {
      watch.step();
      Arrangement arrangement = roles.assign(space, groups);
      best = arrangement.score() > best.score() ? arrangement : best;
    }
  }
}
