package org.e2llm.planner.simulator;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Network;
import org.jspecify.annotations.Nullable;

/**
 * Numbers what transfers queue for: the two directions of each device's interface, and each shared
 * medium. A device on a medium has no queue of its own: the medium is its interface.
 *
 * <p>Device i sends through 2i and receives through 2i + 1; the media follow.
 */
final class Interfaces {
  private final Network network;
  private final Map<String, Integer> media = new TreeMap<>();

  Interfaces(Network network) {
    this.network = network;
    for (int a = 0; a < network.size(); a++) {
      add(network.device(a).nic().medium());
      for (int b = a + 1; b < network.size(); b++) {
        add(network.link(a, b).medium());
      }
    }
  }

  private void add(@Nullable String medium) {
    if (medium != null && !media.containsKey(medium)) {
      media.put(medium, 2 * network.size() + media.size());
    }
  }

  int count() {
    return 2 * network.size() + media.size();
  }

  /** Everything a transfer occupies: one to three. */
  int[] between(int from, int to) {
    String medium = network.link(from, to).medium();
    int[] found = new int[3];
    int size = 0;
    if (medium != null) {
      found[size++] = number(medium);
    }
    for (int end = 0; end < 2; end++) {
      String own = network.device(end == 0 ? from : to).nic().medium();
      if (own == null || medium == null) {
        found[size++] = end == 0 ? 2 * from : 2 * to + 1; // switched, or a cable measured as such
      } else if (!own.equals(medium)) {
        found[size++] = number(own);
      }
    }
    return Arrays.copyOf(found, size);
  }

  private int number(String medium) {
    Integer number = media.get(medium);
    if (number == null) {
      throw new IllegalStateException("medium " + medium + " is new");
    }
    return number;
  }

  /**
   * Bytes per second that an interface moves for a link. A fast one serves others while a slow link
   * drips: it is busy for its own time only.
   */
  double bytesPerSecond(int number, LinkProfile link) {
    if (number >= 2 * network.size()) {
      return link.bytesPerSecond();
    }
    return Math.max(link.bytesPerSecond(), network.device(number / 2).nic().bytesPerSecond());
  }
}
