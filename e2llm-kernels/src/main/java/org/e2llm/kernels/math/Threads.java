package org.e2llm.kernels.math;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.HashSet;
import java.util.Set;

/** How many threads compute by default. */
public final class Threads {
  private static final Path CPUS = Paths.get("/sys/devices/system/cpu");

  private Threads() {}

  /**
   * Physical cores as Linux tells them, since two threads of one core share its multipliers;
   * elsewhere the processors this JVM may use. Never more than those, so a container's limit holds.
   */
  public static int defaultCount() {
    int available = Runtime.getRuntime().availableProcessors();
    int cores = physicalCores(CPUS);
    return cores > 0 ? Math.min(cores, available) : available;
  }

  /** Distinct sets of sibling threads under {@code cpus}; 0 where that cannot be read. */
  static int physicalCores(Path cpus) {
    Set<String> cores = new HashSet<>();
    for (int cpu = 0; Files.isDirectory(cpus.resolve("cpu" + cpu)); cpu++) {
      Path topology = cpus.resolve("cpu" + cpu).resolve("topology");
      String siblings = firstReadable(topology, "core_cpus_list", "thread_siblings_list");
      if (!siblings.isEmpty()) {
        cores.add(siblings);
      }
    }
    return cores.size();
  }

  private static String firstReadable(Path folder, String... names) {
    for (String name : names) {
      try {
        byte[] text = Files.readAllBytes(folder.resolve(name));
        return new String(text, StandardCharsets.US_ASCII).trim();
      } catch (IOException | SecurityException e) {
        continue; // an offline cpu, another kernel version, or Android's sandbox
      }
    }
    return "";
  }
}
