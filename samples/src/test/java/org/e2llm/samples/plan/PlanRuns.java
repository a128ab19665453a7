package org.e2llm.samples.plan;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.FleetCodec;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Nic;
import org.e2llm.samples.Run;

/** Small questions, so that planning and simulating them takes a moment. */
final class PlanRuns {
  static final long GB = 1_000_000_000;

  private PlanRuns() {}

  /** Two fast devices that hold an 8B model, one that holds half of it; ids a, b, c. */
  static Fleet threeDevices() {
    return Fleet.of(
        "three", List.of(device("a", 12 * GB), device("b", 12 * GB), device("c", 4 * GB)));
  }

  static DeviceProfile device(String id, long memoryBytes) {
    return new DeviceProfile(
        id, "Board " + id, 5e12, 5e12, 75e9, 1e-3, memoryBytes, true, Nic.GIGABIT_ETHERNET);
  }

  /** Two devices that hold the model only together, and do not reach each other. */
  static Fleet apart() {
    return new Fleet(
        "apart",
        List.of(device("a", 4 * GB), device("b", 4 * GB)),
        List.of(LinkProfile.none("a", "b")));
  }

  static Path write(Path folder, Fleet fleet) {
    return write(folder, fleet.name() + ".json", FleetCodec.toJson(fleet));
  }

  static Path write(Path folder, String name, String text) {
    try {
      return Files.writeString(folder.resolve(name), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@code plan} for the three devices, with more options. */
  static Run three(Path folder, String... options) {
    return run(write(folder, threeDevices()), options);
  }

  /** {@code plan} for a fleet whose reference is in the study's file and need not be measured. */
  static Run known(String... options) {
    return run(Path.of("homog8"), options);
  }

  /** Options given here replace those that are usual here. */
  static Run run(Path fleet, String... options) {
    Map<String, String> usual = new LinkedHashMap<>();
    usual.put("--fleet", fleet.toString());
    usual.put("--model", "llama3-8b-q4");
    usual.put("--workload", "long-in");
    usual.put("--requests", "40");
    List.of(options).forEach(usual::remove);
    List<String> args = new ArrayList<>(List.of("plan"));
    usual.forEach((name, value) -> args.addAll(List.of(name, value)));
    args.addAll(List.of(options));
    return Run.of(args.toArray(new String[0]));
  }
}
