package org.e2llm.kernels.math;

import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.model.GgmlType;
import org.jspecify.annotations.Nullable;

/**
 * Decides which kernels this JVM uses: the one place that states when, and why, slower ones are
 * taken.
 *
 * <p>Vector kernels need JDK 25 (the multi-release part of the jar, invisible to older ones and to
 * Android), the module {@code jdk.incubator.vector}, an optimising compiler, and a CPU with vectors
 * and fused multiply-add. Whatever is missing is a reason, and comes with its remedy: what the JVM
 * was not given first, as the rest cannot be seen without it. In front of them, matrix products are
 * machine code where the JVM may call native code and the CPU has AVX-512. The system property
 * {@value #PROPERTY} forces a tier, for tests and diagnosis.
 */
public final class KernelsLookup {
  /**
   * {@code scalar}, {@code vector128}, {@code vector256} or {@code vector512}, all without machine
   * code, or {@code native}: machine code and the best of these.
   */
  public static final String PROPERTY = "e2llm.kernels";

  private static final Logger LOG = Logger.getLogger(KernelsLookup.class.getName());
  private static final String NATIVE = "native";
  private static final List<String> TIERS =
      List.of("scalar", "vector128", "vector256", "vector512", NATIVE);
  private static final String VECTOR_KERNELS = "org.e2llm.kernels.math.VectorKernels";
  private static final String MACHINE_KERNELS = "org.e2llm.kernels.machine.MachineKernels";
  private static final int VECTOR_JDK = 25;

  /**
   * What was chosen.
   *
   * @param reasons why not faster kernels, each with what would mend it; empty if these are the
   *     fastest for this machine
   * @param level WARNING if somebody should act, else CONFIG
   */
  record Choice(Kernels kernels, List<String> reasons, Level level) {}

  private static final class Chosen {
    static final Choice CHOICE = choose(System.getProperty(PROPERTY));

    static {
      String why = CHOICE.reasons.isEmpty() ? "" : " (" + String.join("; ", CHOICE.reasons) + ")";
      LOG.log(CHOICE.level, "kernels in use: {0}{1}", new Object[] {CHOICE.kernels.name(), why});
    }
  }

  private KernelsLookup() {}

  /**
   * The kernels for this JVM; the same for all callers, threads included.
   *
   * @throws IllegalArgumentException if {@value #PROPERTY} has an unknown value, or asks for
   *     kernels that cannot run here
   */
  public static Kernels kernels() {
    return choice().kernels;
  }

  /** Why {@link #kernels} are not faster ones; empty if they are the fastest. */
  public static List<String> reasons() {
    return choice().reasons;
  }

  /** Whether kernels can compute with weights of this type. */
  public static boolean supports(GgmlType type) {
    return Dequantizer.find(type) != null;
  }

  /** The vector width that {@value #PROPERTY} asks for, or 0 for the machine's preferred one. */
  static int forcedVectorBits() {
    String forced = System.getProperty(PROPERTY);
    return forced != null && forced.startsWith("vector")
        ? Integer.parseInt(forced.substring(6))
        : 0;
  }

  private static Choice choice() {
    checkProperty(System.getProperty(PROPERTY)); // here: an error in the holder would be wrapped
    return Chosen.CHOICE;
  }

  static Choice choose(@Nullable String forced) {
    checkProperty(forced);
    if (forced == null) {
      return withMachineCode(fastest());
    }
    String reason = "system property " + PROPERTY + "=" + forced + " asks for it; remove it";
    if ("scalar".equals(forced)) {
      return scalar(Level.CONFIG, reason);
    }
    Object made = NATIVE.equals(forced) ? machineKernels(fastest().kernels) : vectorKernels();
    if (made instanceof Kernels kernels) {
      return new Choice(kernels, List.of(reason), Level.CONFIG);
    }
    throw new IllegalArgumentException(
        "system property " + PROPERTY + "=" + forced + " cannot be honoured: " + made);
  }

  /** Without machine code. */
  private static Choice fastest() {
    if (isAndroid()) {
      return scalar(Level.CONFIG, "Android has no Vector API");
    }
    Object made = vectorKernels();
    return made instanceof Kernels kernels
        ? new Choice(new WarmingKernels(kernels, new ScalarKernels()), List.of(), Level.CONFIG)
        : scalar(Level.WARNING, made.toString());
  }

  private static Choice withMachineCode(Choice rest) {
    if (isAndroid() || jdk() < VECTOR_JDK) {
      return rest;
    }
    Object made = machineKernels(rest.kernels);
    if (made instanceof Kernels kernels) {
      return new Choice(kernels, rest.reasons, rest.level);
    }
    List<String> reasons = new ArrayList<>(rest.reasons);
    reasons.add(made.toString());
    return new Choice(rest.kernels, reasons, rest.level);
  }

  private static void checkProperty(@Nullable String forced) {
    if (forced != null && !TIERS.contains(forced)) {
      throw new IllegalArgumentException(
          "system property " + PROPERTY + ": found '" + forced + "', expected one of " + TIERS);
    }
  }

  private static boolean isAndroid() {
    return "The Android Project".equals(System.getProperty("java.vendor"));
  }

  private static int jdk() {
    try {
      return Integer.parseInt(System.getProperty("java.specification.version", "0"));
    } catch (NumberFormatException e) {
      return 0; // "1.8" and the like
    }
  }

  /** The vector kernels, or a String that says why there are none. */
  private static Object vectorKernels() {
    if (jdk() < VECTOR_JDK) {
      return "vector kernels need JDK "
          + VECTOR_JDK
          + " or later and this is "
          + jdk()
          + "; run with a newer JDK and --add-modules jdk.incubator.vector";
    }
    try {
      Class.forName("jdk.incubator.vector.FloatVector");
    } catch (ClassNotFoundException e) {
      return "the module jdk.incubator.vector is not loaded; add --add-modules jdk.incubator.vector"
          + " to the java command";
    }
    return make(VECTOR_KERNELS);
  }

  /** Machine code with {@code rest} for all else, or a String that says why there is none. */
  private static Object machineKernels(Kernels rest) {
    return make(MACHINE_KERNELS, rest);
  }

  /** An instance, or the reason why there is none. */
  private static Object make(String name, Kernels... rest) {
    try {
      Class<?>[] parameters = rest.length == 0 ? new Class<?>[0] : new Class<?>[] {Kernels.class};
      return Class.forName(name).getConstructor(parameters).newInstance((Object[]) rest);
    } catch (ClassNotFoundException e) {
      return "the classes under META-INF/versions/25 are not visible; use e2llm-kernels as a jar, or"
          + " put that folder on the class path too";
    } catch (InvocationTargetException e) {
      return String.valueOf(e.getCause() == null ? e : e.getCause().getMessage());
    } catch (ReflectiveOperationException | LinkageError e) {
      return e.toString();
    }
  }

  private static Choice scalar(Level level, String reason) {
    return new Choice(new ScalarKernels(), List.of(reason), level);
  }
}
