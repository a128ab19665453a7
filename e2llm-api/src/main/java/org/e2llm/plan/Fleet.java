package org.e2llm.plan;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.e2llm.InvalidRequestException;

/**
 * Devices, and what is known of the links between them. {@link Network} answers questions about it.
 *
 * @param name for reports
 * @param devices at least one, ids unique
 * @param links measured pairs, at most one per pair; the others follow from the interfaces
 */
public record Fleet(String name, List<DeviceProfile> devices, List<LinkProfile> links) {
  public Fleet {
    devices = List.copyOf(devices);
    links = List.copyOf(links);
    Check.notBlank("fleet", "name", name);
    if (devices.isEmpty()) {
      throw new InvalidRequestException(
          "fleet " + name + " has no device: a plan needs at least one that offers memory");
    }
    Set<String> ids = new HashSet<>();
    for (DeviceProfile device : devices) {
      if (!ids.add(device.id())) {
        throw new InvalidRequestException(
            "fleet " + name + " has two devices with the id " + device.id() + ": ids are unique");
      }
    }
    Set<Set<String>> pairs = new HashSet<>();
    for (LinkProfile link : links) {
      for (String end : List.of(link.a(), link.b())) {
        if (!ids.contains(end)) {
          throw new InvalidRequestException(
              "fleet " + name + " has a link to " + end + ", which is none of its devices " + ids);
        }
      }
      if (!pairs.add(Set.of(link.a(), link.b()))) {
        throw new InvalidRequestException(
            "fleet " + name + " has two links " + link.a() + " - " + link.b() + ": one is enough");
      }
    }
  }

  /** Whether a device of this id is among them. */
  public boolean has(String id) {
    return devices.stream().anyMatch(device -> device.id().equals(id));
  }

  public static Fleet of(String name, List<DeviceProfile> devices) {
    return new Fleet(name, devices, List.of());
  }
}
