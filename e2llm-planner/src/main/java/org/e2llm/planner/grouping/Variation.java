package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/** How new groupings are made from old ones: crossover and mutation. */
final class Variation {
  private final SearchSpace space;
  private final SplittableRandom random;

  Variation(SearchSpace space, SplittableRandom random) {
    this.space = space;
    this.random = random;
  }

  /**
   * Whole groups of one parent, then what is left of the other's groups (Falkenauer's crossover).
   */
  Grouping cross(Grouping one, Grouping other) {
    List<int[]> groups = new ArrayList<>();
    Set<Integer> taken = new HashSet<>();
    for (int[] group : one.groups()) {
      if (random.nextBoolean()) {
        groups.add(group);
        for (int device : group) {
          taken.add(device);
        }
      }
    }
    for (int[] group : other.groups()) {
      int[] rest = without(group, taken);
      if (rest.length > 0) {
        groups.add(rest);
      }
    }
    return new Grouping(groups);
  }

  private static int[] without(int[] group, Set<Integer> taken) {
    int[] rest = new int[group.length];
    int size = 0;
    for (int device : group) {
      if (!taken.contains(device)) {
        rest[size++] = device;
      }
    }
    return size == group.length ? group : Arrays.copyOf(rest, size);
  }

  Grouping mutate(Grouping parent) {
    List<int[]> groups = new ArrayList<>(parent.groups());
    switch (random.nextInt(7)) {
      case 0:
        swapDevices(groups);
        break;
      case 1:
        merge(groups);
        break;
      case 2:
        split(groups);
        break;
      case 3:
        reorder(groups);
        break;
      case 4:
        gather(groups, parent.free(space));
        break;
      default:
        move(groups, parent.free(space));
    }
    return new Grouping(groups);
  }

  /** A device goes from where it is, perhaps nowhere, to a group, perhaps a new one or none. */
  private void move(List<int[]> groups, List<Integer> free) {
    int device = space.device(random.nextInt(space.count()));
    if (!free.isEmpty() && random.nextBoolean()) {
      device = free.get(random.nextInt(free.size()));
    }
    remove(groups, device);
    int to = random.nextInt(groups.size() + 2);
    if (to < groups.size()) {
      groups.set(to, insert(groups.get(to), device));
    } else if (to == groups.size()) {
      groups.add(new int[] {device});
    }
  }

  private static void remove(List<int[]> groups, int device) {
    for (int g = 0; g < groups.size(); g++) {
      int[] rest = without(groups.get(g), Set.of(device));
      if (rest.length == 0) {
        groups.remove(g);
        return;
      }
      groups.set(g, rest);
    }
  }

  /** Most often where the space would chain it, sometimes anywhere. */
  private int[] insert(int[] group, int device) {
    return random.nextInt(4) == 0
        ? SearchSpace.insertedAt(group, random.nextInt(group.length + 1), device)
        : space.inserted(group, device);
  }

  private void swapDevices(List<int[]> groups) {
    if (groups.size() < 2) {
      return;
    }
    int a = random.nextInt(groups.size());
    int b = (a + 1 + random.nextInt(groups.size() - 1)) % groups.size();
    int fromA = groups.get(a)[random.nextInt(groups.get(a).length)];
    int fromB = groups.get(b)[random.nextInt(groups.get(b).length)];
    groups.set(a, insert(without(groups.get(a), Set.of(fromA)), fromB));
    groups.set(b, insert(without(groups.get(b), Set.of(fromB)), fromA));
  }

  private void merge(List<int[]> groups) {
    if (groups.size() < 2) {
      return;
    }
    int[] added = groups.remove(random.nextInt(groups.size()));
    int into = random.nextInt(groups.size());
    int[] merged = groups.get(into);
    for (int device : added) {
      merged = insert(merged, device);
    }
    groups.set(into, merged);
  }

  private void split(List<int[]> groups) {
    if (groups.isEmpty()) {
      return;
    }
    int[] group = groups.remove(random.nextInt(groups.size()));
    Set<Integer> first = new HashSet<>();
    for (int device : group) {
      if (random.nextBoolean()) {
        first.add(device);
      }
    }
    int[] second = without(group, first);
    int[] rest = new int[group.length - second.length];
    int size = 0;
    for (int device : group) {
      if (first.contains(device)) {
        rest[size++] = device;
      }
    }
    if (rest.length > 0) {
      groups.add(rest);
    }
    if (second.length > 0) {
      groups.add(second);
    }
  }

  private void reorder(List<int[]> groups) {
    if (groups.isEmpty()) {
      return;
    }
    int g = random.nextInt(groups.size());
    int[] group = groups.get(g).clone();
    int a = random.nextInt(group.length);
    int b = random.nextInt(group.length);
    int device = group[a];
    group[a] = group[b];
    group[b] = device;
    groups.set(g, group);
  }

  /** Devices without a group, until they can hold the model together. */
  private void gather(List<int[]> groups, List<Integer> free) {
    List<Integer> shuffled = new ArrayList<>(free);
    for (int i = shuffled.size() - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int device = shuffled.get(i);
      shuffled.set(i, shuffled.get(j));
      shuffled.set(j, device);
    }
    groups.addAll(Seeds.pack(space, shuffled, 1));
  }
}
