package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * All groupings that are one step away: a device in another group, in a new one or in none, then
 * two devices of different kinds exchanged, then two groups as one.
 */
final class Neighbours implements Iterator<Grouping> {
  private final SearchSpace space;
  private final List<int[]> groups;

  /** By place in the space: the device's group, or -1. */
  private final int[] groupOf;

  private int phase;
  private int first;
  private int second = -1;
  private @Nullable Grouping next;

  Neighbours(SearchSpace space, Grouping grouping) {
    this.space = space;
    this.groups = grouping.groups();
    this.groupOf = new int[space.count()];
    Arrays.fill(groupOf, -1);
    for (int g = 0; g < groups.size(); g++) {
      for (int device : groups.get(g)) {
        groupOf[space.place(device)] = g;
      }
    }
    next = find();
  }

  @Override
  public boolean hasNext() {
    return next != null;
  }

  @Override
  public Grouping next() {
    Grouping found = next;
    if (found == null) {
      throw new NoSuchElementException();
    }
    next = find();
    return found;
  }

  private @Nullable Grouping find() {
    for (; phase < 3; phase++, first = 0, second = -1) {
      int firsts = phase == 2 ? groups.size() : space.count();
      int seconds = phase == 0 ? groups.size() + 1 : firsts - 1;
      for (; first < firsts; first++, second = -1) {
        while (second < seconds) {
          Grouping found = phase == 0 ? move() : phase == 1 ? swap() : merge();
          second++;
          if (found != null) {
            return found;
          }
        }
      }
    }
    return null;
  }

  /** Device {@code first} into group {@code second}; -1 is none, one past the last a new one. */
  private @Nullable Grouping move() {
    int from = groupOf[first];
    if (second == from) {
      return null;
    }
    int device = space.device(first);
    List<int[]> changed = new ArrayList<>(groups);
    if (second >= 0 && second < groups.size()) {
      changed.set(second, space.inserted(groups.get(second), device));
    } else if (second == groups.size()) {
      changed.add(new int[] {device});
    }
    if (from >= 0) {
      changed.set(from, without(groups.get(from), device));
      changed.removeIf(group -> group.length == 0);
    }
    return new Grouping(changed);
  }

  /** Devices {@code first} and {@code second} exchanged. */
  private @Nullable Grouping swap() {
    if (second <= first || groupOf[first] == groupOf[second]) {
      return null;
    }
    int a = space.device(first);
    int b = space.device(second);
    if (space.kind(a) == space.kind(b)) {
      return null;
    }
    List<int[]> changed = new ArrayList<>(groups);
    if (groupOf[first] >= 0) {
      changed.set(groupOf[first], space.inserted(without(groups.get(groupOf[first]), a), b));
    }
    if (groupOf[second] >= 0) {
      changed.set(groupOf[second], space.inserted(without(groups.get(groupOf[second]), b), a));
    }
    return new Grouping(changed);
  }

  /** Groups {@code first} and {@code second} as one. */
  private @Nullable Grouping merge() {
    if (second <= first) {
      return null;
    }
    List<int[]> changed = new ArrayList<>(groups);
    int[] merged = groups.get(first);
    for (int device : groups.get(second)) {
      merged = space.inserted(merged, device);
    }
    changed.set(first, merged);
    changed.remove(second);
    return new Grouping(changed);
  }

  private static int[] without(int[] group, int device) {
    return Arrays.stream(group).filter(other -> other != device).toArray();
  }
}
