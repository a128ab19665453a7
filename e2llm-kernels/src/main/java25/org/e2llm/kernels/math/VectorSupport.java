package org.e2llm.kernels.math;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import jdk.incubator.vector.FloatVector;

/** Whether vectors are worth using: without the optimising compiler they are far slower. */
final class VectorSupport {
  private VectorSupport() {}

  /**
   * @throws UnsupportedOperationException with the reason and its remedy; never if a width is
   *     forced
   */
  static void check() {
    if (KernelsLookup.forcedVectorBits() != 0) {
      return;
    }
    if (System.getProperty("java.vm.info", "").contains("interpreted mode")) {
      throw new UnsupportedOperationException("this JVM only interprets; remove -Xint");
    }
    if ("false".equals(vmOption("EnableVectorSupport"))) {
      throw new UnsupportedOperationException(
          "this JVM does not compile the Vector API; use a HotSpot JVM with its C2 compiler"
              + " (no -XX:TieredStopAtLevel, no -XX:-EnableVectorSupport)");
    }
    if ("false".equals(vmOption("UseFMA"))) {
      throw new UnsupportedOperationException(
          "the CPU has no fused multiply-add (or -XX:-UseFMA is set), which is emulated; use another"
              + " device");
    }
    if (FloatVector.SPECIES_PREFERRED.vectorBitSize() < 128) {
      throw new UnsupportedOperationException(
          "the CPU has no vectors of 128 bits or more (or -XX:MaxVectorSize forbids them)");
    }
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
