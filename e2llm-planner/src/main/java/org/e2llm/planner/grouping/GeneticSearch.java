package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Forms groups by a genetic algorithm: a steady population without doubles, tournaments, crossover
 * of whole groups, and mutations of one step. It starts from the obvious groupings, so it never
 * ends below them; the last part of the budget climbs from the best ones, until no move of a device
 * and no swap of two helps.
 */
public final class GeneticSearch {
  private static final int POPULATION = 48;
  private static final int TOURNAMENT = 3;

  /** The part of the budget for climbing at the end, and from how many arrangements. */
  private static final double CLIMB = 0.4;

  private static final int CLIMBERS = 4;

  private record Individual(Grouping grouping, Arrangement arrangement) {
    double score() {
      return arrangement.score();
    }
  }

  private final SearchSpace space;
  private final Roles roles;
  private final SearchWatch watch;
  private final SplittableRandom random;
  private final Variation variation;
  private final Map<String, Arrangement> known = new HashMap<>();
  private final List<Individual> population = new ArrayList<>();
  private final Set<String> keys = new HashSet<>();

  private GeneticSearch(SearchSpace space, Roles roles, SearchWatch watch, long seed) {
    this.space = space;
    this.roles = roles;
    this.watch = watch;
    this.random = new SplittableRandom(seed);
    this.variation = new Variation(space, random);
  }

  /**
   * Searches until the watch's part is used up.
   *
   * @param seed the same seed gives the same result
   * @param wanted how many different arrangements are wanted at most
   * @return the best first; empty if no group can hold the model
   */
  public static List<Arrangement> run(
      SearchSpace space, Roles roles, SearchWatch watch, long seed, int wanted) {
    return new GeneticSearch(space, roles, watch, seed).run(wanted);
  }

  private List<Arrangement> run(int wanted) {
    long climbing = (long) (watch.left() * CLIMB);
    for (Grouping seed : Seeds.all(space)) {
      consider(seed);
    }
    while (population.size() < POPULATION && watch.left() > climbing) {
      Grouping start = population.get(random.nextInt(population.size())).grouping();
      consider(variation.mutate(variation.mutate(start)));
    }
    while (watch.left() > climbing) {
      Grouping child = pick().grouping();
      if (random.nextInt(10) < 6) {
        child = variation.cross(child, pick().grouping());
      }
      do {
        child = variation.mutate(child);
      } while (random.nextInt(3) == 0);
      consider(child);
    }
    climb();
    return best(wanted);
  }

  private Individual pick() {
    Individual best = population.get(random.nextInt(population.size()));
    for (int i = 1; i < TOURNAMENT; i++) {
      Individual other = population.get(random.nextInt(population.size()));
      best = other.score() > best.score() ? other : best;
    }
    return best;
  }

  /** Takes a grouping into the population, in place of the worst, if it is new and better. */
  private void consider(Grouping grouping) {
    Individual individual = judge(grouping);
    String key = individual.grouping().key(space);
    if (keys.contains(key)) {
      return;
    }
    if (population.size() >= POPULATION) {
      int worst = 0;
      for (int i = 1; i < population.size(); i++) {
        worst = population.get(i).score() < population.get(worst).score() ? i : worst;
      }
      if (population.get(worst).score() >= individual.score()) {
        return;
      }
      keys.remove(population.remove(worst).grouping().key(space));
    }
    keys.add(key);
    population.add(individual);
  }

  /**
   * Devices that the cut passes over leave their group: they may serve elsewhere. Groups without a
   * role stay, since with one more device they may become useful.
   */
  private Individual judge(Grouping grouping) {
    watch.step();
    Arrangement arrangement =
        known.computeIfAbsent(exact(grouping), key -> roles.assign(space, grouping.groups()));
    List<int[]> groups = new ArrayList<>();
    Set<Integer> used = new HashSet<>();
    for (Member member : arrangement.members()) {
      groups.add(member.devices());
      for (int device : member.devices()) {
        used.add(device);
      }
    }
    for (int[] group : grouping.groups()) {
      boolean free = true;
      for (int device : group) {
        free &= !used.contains(device);
      }
      if (free) {
        groups.add(group);
      }
    }
    return new Individual(new Grouping(groups), arrangement);
  }

  /** Devices by number, not by kind: an arrangement names them. */
  private static String exact(Grouping grouping) {
    StringBuilder key = new StringBuilder();
    for (int[] group : grouping.groups()) {
      for (int device : group) {
        key.append((char) device);
      }
      key.append('\uffff');
    }
    return key.toString();
  }

  /** Steps to the next better neighbour from the best few, as far as the budget goes. */
  private void climb() {
    List<Individual> starts = sorted();
    int count = Math.min(CLIMBERS, starts.size());
    for (int i = 0; i < count; i++) {
      long until = watch.left() - watch.left() / (count - i);
      Individual at = starts.get(i);
      for (Individual next = at; next != null; next = better(at, until)) {
        at = next;
      }
      population.add(at);
    }
  }

  /** The first better one among all moves of a device and all swaps of two, or null. */
  private @Nullable Individual better(Individual at, long until) {
    for (Iterator<Grouping> i = new Neighbours(space, at.grouping()); i.hasNext(); ) {
      if (watch.left() <= until) {
        return null;
      }
      Individual next = judge(i.next());
      if (next.score() > at.score()) {
        return next;
      }
    }
    return null;
  }

  private List<Individual> sorted() {
    List<Individual> sorted = new ArrayList<>(population);
    sorted.sort(Comparator.comparingDouble(individual -> -individual.score()));
    return sorted;
  }

  private List<Arrangement> best(int wanted) {
    List<Arrangement> best = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (Individual individual : sorted()) {
      if (best.size() < wanted
          && !individual.arrangement().members().isEmpty()
          && seen.add(worth(individual.arrangement()))) {
        best.add(individual.arrangement());
      }
    }
    return best;
  }

  /** Equal for arrangements that differ in names only. */
  private String worth(Arrangement arrangement) {
    List<String> members = new ArrayList<>();
    for (Member member : arrangement.members()) {
      members.add(member.role() + space.key(member.devices()));
    }
    Collections.sort(members);
    return String.join("\uffff", members);
  }
}
