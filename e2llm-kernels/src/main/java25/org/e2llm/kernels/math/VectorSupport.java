package org.e2llm.kernels.math;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import jdk.incubator.vector.FloatVector;

/** Whether vectors are worth using: without the optimising compiler they are far slower. */
final class VectorSupport {
  private VectorSupport() {}

  /**
   * @throws UnsupportedOperationException with all reasons and their remedies; never if a width is
   *     forced
   */
  static void check() {
    List<String> obstacles = KernelsLookup.forcedVectorBits() == 0 ? obstacles() : List.of();
    if (!obstacles.isEmpty()) {
      throw new UnsupportedOperationException(String.join("; ", obstacles));
    }
  }

  private static List<String> obstacles() {
    List<String> found = new ArrayList<>();
    if (System.getProperty("java.vm.info", "").contains("interpreted mode")) {
      found.add("this JVM only interprets; remove -Xint");
    } else if ("false".equals(vmOption("EnableVectorSupport"))
        || Set.of("0", "1", "2", "3").contains(vmOption("TieredStopAtLevel"))) {
      found.add(
          "this JVM does not compile the Vector API; use a HotSpot JVM with its C2 compiler"
              + " (no -XX:TieredStopAtLevel, no -XX:-EnableVectorSupport)");
    }
    if ("false".equals(vmOption("UseFMA"))) {
      found.add(
          "the CPU has no fused multiply-add (or -XX:-UseFMA is set), which is emulated; use another"
              + " device");
    }
    if (FloatVector.SPECIES_PREFERRED.vectorBitSize() < 128) {
      found.add("the CPU has no vectors of 128 bits or more (or -XX:MaxVectorSize forbids them)");
    }
    return found;
  }

  /** A flag of HotSpot; unknown where another VM runs or management is left out of the image. */
  private static String vmOption(String name) {
    try {
      HotSpotDiagnosticMXBean bean =
          ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
      return bean == null ? "unknown" : bean.getVMOption(name).getValue();
    } catch (IllegalArgumentException | LinkageError e) {
      return "unknown";
    }
  }
}
