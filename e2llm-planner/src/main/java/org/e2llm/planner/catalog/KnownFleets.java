package org.e2llm.planner.catalog;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.e2llm.InvalidRequestException;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.Nic;

/**
 * The fleets of the study: {@code full12} (a bit of everything), {@code mid10} (no device above all
 * others), {@code weak10} (small boards, phones, old laptops), {@code homog8} (eight alike).
 */
public final class KnownFleets {
  /** A step costs a millisecond whatever is in it: launching kernels, waking threads. */
  private static final double STEP_SECONDS = 1e-3;

  private KnownFleets() {}

  /** Names that {@link #get} knows. */
  public static List<String> names() {
    return List.of("full12", "mid10", "weak10", "homog8");
  }

  /**
   * A fleet by name.
   *
   * @throws InvalidRequestException if there is none of it
   */
  public static Fleet get(String name) {
    switch (name) {
      case "full12":
        return fleet(
            name,
            Map.of(
                "pi5", 2, "n100", 1, "phone", 1, "i7", 1, "nano", 2, "nx", 1, "m2", 2, "agx", 1,
                "rtx3060", 1));
      case "mid10":
        return fleet(name, Map.of("nano", 3, "nx", 2, "m2", 2, "i7", 2, "n100", 1));
      case "weak10":
        return fleet(name, Map.of("pi5", 4, "n100", 2, "phone", 2, "i7", 2));
      case "homog8":
        return fleet(name, Map.of("nano", 8));
      default:
        throw new InvalidRequestException(
            "fleet "
                + name
                + " is not known; there are "
                + names()
                + ", or a JSON file of your own");
    }
  }

  private static Fleet fleet(String name, Map<String, Integer> counts) {
    List<DeviceProfile> devices = new ArrayList<>();
    for (Kind kind : Kind.ALL) {
      int count = counts.getOrDefault(kind.id, 0);
      for (int i = 1; i <= count; i++) {
        devices.add(kind.device(count == 1 ? kind.id : kind.id + "-" + i));
      }
    }
    if (devices.size() != counts.values().stream().mapToInt(i -> i).sum()) {
      throw new IllegalStateException(new TreeSet<>(counts.keySet()) + " are not all known");
    }
    return Fleet.of(name, devices);
  }

  /**
   * Devices of the same hardware.
   *
   * @param flops effective, in TFLOP/s, for many rows and for few
   * @param bandwidth effective, in GB/s
   * @param memory usable, in GB (10^9)
   */
  private record Kind(String id, String name, double flops, double bandwidth, int memory, Nic nic) {
    static final List<Kind> ALL =
        List.of(
            new Kind("pi5", "Raspberry Pi 5", 0.15, 11, 6, Nic.GIGABIT_ETHERNET),
            new Kind("n100", "N100 mini PC", 0.2, 26, 12, Nic.GIGABIT_ETHERNET),
            new Kind("phone", "Phone, Snapdragon 8 Gen 3", 0.8, 45, 6, Nic.WIFI),
            new Kind("i7", "Laptop, Core i7", 0.6, 55, 12, Nic.WIFI),
            new Kind("nano", "Jetson Orin Nano", 3, 50, 6, Nic.GIGABIT_ETHERNET),
            new Kind("nx", "Jetson Orin NX", 5, 75, 13, Nic.GIGABIT_ETHERNET),
            new Kind("m2", "MacBook M2", 2.4, 80, 11, Nic.WIFI),
            new Kind("agx", "Jetson AGX Orin", 14, 150, 56, Nic.GIGABIT_ETHERNET),
            new Kind("rtx3060", "PC with RTX 3060", 28, 285, 11, Nic.GIGABIT_ETHERNET));

    DeviceProfile device(String deviceId) {
      double tflops = flops * 1e12;
      return new DeviceProfile(
          deviceId,
          name,
          tflops,
          tflops,
          bandwidth * 1e9,
          STEP_SECONDS,
          memory * 1_000_000_000L,
          true,
          nic);
    }
  }
}
