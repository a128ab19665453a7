package org.e2llm.plan;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.InvalidRequestException;
import org.jspecify.annotations.Nullable;

/**
 * Answers what lies between two devices of a fleet. Devices are numbered as in {@link
 * Fleet#devices()}, so that searches and simulations need no lookup by name.
 *
 * <p>A measured pair is taken as it is. For any other, both interfaces are crossed: the lower
 * speed, the higher latency, and the shared medium of either (of the slower one, if they name
 * different ones). A medium is one queue: whoever sends over it keeps it busy once, also if both
 * ends are on it.
 */
public final class Network {
  private final Fleet fleet;
  private final Map<String, Integer> numbers = new HashMap<>();
  private final @Nullable LinkProfile[] links;

  public Network(Fleet fleet) {
    this.fleet = fleet;
    int n = size();
    for (int i = 0; i < n; i++) {
      numbers.put(device(i).id(), i);
    }
    links = new LinkProfile[n * n];
    for (LinkProfile link : fleet.links()) {
      put(number(link.a()), number(link.b()), link);
    }
    for (int a = 0; a < n; a++) {
      for (int b = a + 1; b < n; b++) {
        if (links[a * n + b] == null) {
          put(a, b, derived(device(a), device(b)));
        }
      }
    }
  }

  private void put(int a, int b, LinkProfile link) {
    links[a * size() + b] = link;
    links[b * size() + a] = link;
  }

  private static LinkProfile derived(DeviceProfile a, DeviceProfile b) {
    Nic slower = a.nic().bytesPerSecond() <= b.nic().bytesPerSecond() ? a.nic() : b.nic();
    Nic faster = slower == a.nic() ? b.nic() : a.nic();
    return new LinkProfile(
        a.id(),
        b.id(),
        slower.bytesPerSecond(),
        Math.max(a.nic().latencySeconds(), b.nic().latencySeconds()),
        slower.medium() != null ? slower.medium() : faster.medium());
  }

  public Fleet fleet() {
    return fleet;
  }

  /** Devices. */
  public int size() {
    return fleet.devices().size();
  }

  public DeviceProfile device(int number) {
    return fleet.devices().get(number);
  }

  public List<DeviceProfile> devices() {
    return fleet.devices();
  }

  /**
   * The number of a device.
   *
   * @throws InvalidRequestException if the fleet has none of this id
   */
  public int number(String id) {
    Integer number = numbers.get(id);
    if (number == null) {
      throw new InvalidRequestException(
          "device " + id + " is not in fleet " + fleet.name() + ", which has " + numbers.keySet());
    }
    return number;
  }

  /** Whether the fleet has a device of this id. */
  public boolean has(String id) {
    return numbers.containsKey(id);
  }

  /** What lies between two different devices. */
  public LinkProfile link(int a, int b) {
    LinkProfile link = links[a * size() + b];
    if (link == null) {
      throw new IllegalArgumentException("device " + a + " has no link to itself");
    }
    return link;
  }

  /** Whether two devices can reach each other; a device reaches itself. */
  public boolean connected(int a, int b) {
    return a == b || link(a, b).connected();
  }
}
