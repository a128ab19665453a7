package org.e2llm.kernels.profile;

import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * The CPU as the system describes it.
 *
 * @param cpu model names, or what identifies an ARM core, of all kinds of cores; never empty
 * @param cacheBytes of its largest cache; a guess where the system does not tell
 */
public record Machine(String cpu, long cacheBytes) {
  /** What most phones, tablets and small computers have at most. */
  private static final long GUESSED_CACHE_BYTES = 16L << 20;

  /** More than this is the sum of parts that no core uses alone. */
  private static final long MOST_CACHE_BYTES = 64L << 20;

  /** Keys of {@code /proc/cpuinfo} that tell CPUs apart. */
  private static final Set<String> TELLING =
      Set.of("model name", "cpu implementer", "cpu part", "cpu variant", "hardware", "model");

  /** This one. */
  public static Machine read() {
    return read(Paths.get("/"));
  }

  static Machine read(Path root) {
    Set<String> found = new TreeSet<>();
    for (String line : CpuLimits.lines(root.resolve("proc/cpuinfo"))) {
      int colon = line.indexOf(':');
      if (colon > 0 && TELLING.contains(line.substring(0, colon).trim().toLowerCase(Locale.ROOT))) {
        found.add(line.substring(colon + 1).trim());
      }
    }
    String windows = System.getenv("PROCESSOR_IDENTIFIER");
    if (windows != null) {
      found.add(windows);
    }
    String cpu = System.getProperty("os.arch", "unknown") + " " + String.join(", ", found);
    return new Machine(cpu.trim(), cacheBytes(root.resolve("sys/devices/system/cpu/cpu0/cache")));
  }

  private static long cacheBytes(Path caches) {
    long largest = 0;
    for (int i = 0; i < 8; i++) {
      List<String> size = CpuLimits.lines(caches.resolve("index" + i).resolve("size"));
      largest = Math.max(largest, size.isEmpty() ? 0 : kibibytes(size.get(0).trim()));
    }
    return largest == 0 ? GUESSED_CACHE_BYTES : Math.min(MOST_CACHE_BYTES, largest);
  }

  /** {@code 32768K}. */
  private static long kibibytes(String size) {
    try {
      boolean kibi = size.endsWith("K");
      long number = Long.parseLong(kibi ? size.substring(0, size.length() - 1) : size);
      return number > 0 && number < 1L << 40 ? (kibi ? number << 10 : number) : 0;
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
