package org.e2llm.samples.cluster;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
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
    return memory == null ? defaultBytes() : SizeText.parse("--memory", memory);
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
}
