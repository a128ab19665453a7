package org.e2llm.samples.cluster;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import org.e2llm.samples.console.UsageException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How much memory a peer offers. */
final class ShareOption {
  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      description =
          "Memory to offer, such as 2G or 800M; default: 60 %% of what is free on this machine.")
  private @Nullable String memory;

  long bytes() {
    return memory == null ? defaultBytes() : parse(memory);
  }

  /** What the JVM says is free; the memory of model files that are mapped counts as free there. */
  private static long defaultBytes() {
    var system = ManagementFactory.getOperatingSystemMXBean();
    long free =
        system instanceof OperatingSystemMXBean known
            ? known.getFreeMemorySize()
            : Runtime.getRuntime().maxMemory();
    return Math.max(64L << 20, free / 10 * 6);
  }

  static long parse(String text) {
    String digits = text.toUpperCase(Locale.ROOT).replaceAll("I?B?$", "");
    int shift = 0;
    if (!digits.isEmpty()) {
      shift = 10 * (" KMGT".indexOf(digits.charAt(digits.length() - 1)));
      digits = shift > 0 ? digits.substring(0, digits.length() - 1) : digits;
    }
    try {
      double value = Double.parseDouble(digits) * (1L << Math.max(0, shift));
      if (value >= 1 && value < Long.MAX_VALUE) {
        return (long) value;
      }
    } catch (NumberFormatException e) {
      throw new UsageException("--memory " + text + ": expected is a size such as 2G or 800M");
    }
    throw new UsageException("--memory " + text + ": expected is a size above 0, such as 2G");
  }
}
