package org.e2llm.kernels.math;

import java.lang.reflect.InvocationTargetException;
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
 * was not given first, as the rest cannot be seen without it. The system property {@value
 * #PROPERTY} forces a tier, for tests and diagnosis.
 */
public final class KernelsLookup {
  /** {@code scalar}, {@code vector128}, {@code vector256} or {@code vector512}. */
  public static final String PROPERTY = "e2llm.kernels";

  private static final Logger LOG = Logger.getLogger(KernelsLookup.class.getName());
  private static final List<String> TIERS =
      List.of("scalar", "vector128", "vector256", "vector512");
  private static final String VECTOR_KERNELS = "org.e2llm.kernels.math.VectorKernels";
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
    String reason = "system property " + PROPERTY + "=" + forced + " asks for it; remove it";
    if ("scalar".equals(forced)) {
      return scalar(Level.CONFIG, reason);
    }
    if (isAndroid()) {
      return scalar(Level.CONFIG, "Android has no Vector API");
    }
    String obstacle = missingFromJvm();
    if (obstacle == null) {
      Object made = vectorKernels();
      if (made instanceof Kernels kernels) {
        return forced == null
            ? new Choice(new WarmingKernels(kernels, new ScalarKernels()), List.of(), Level.CONFIG)
            : new Choice(kernels, List.of(reason), Level.CONFIG);
      }
      obstacle = made.toString();
    }
    if (forced != null) {
      throw new IllegalArgumentException(
          "system property " + PROPERTY + "=" + forced + " cannot be honoured: " + obstacle);
    }
    return scalar(Level.WARNING, obstacle);
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

  /** What this JVM lacks, with the remedy; null if nothing. */
  private static @Nullable String missingFromJvm() {
    int jdk = feature(System.getProperty("java.specification.version", "0"));
    if (jdk < VECTOR_JDK) {
      return "vector kernels need JDK "
          + VECTOR_JDK
          + " or later and this is "
          + jdk
          + "; run with a newer JDK and --add-modules jdk.incubator.vector";
    }
    try {
      Class.forName("jdk.incubator.vector.FloatVector");
      return null;
    } catch (ClassNotFoundException e) {
      return "the module jdk.incubator.vector is not loaded; add --add-modules jdk.incubator.vector"
          + " to the java command";
    }
  }

  private static int feature(String specificationVersion) {
    try {
      return Integer.parseInt(specificationVersion);
    } catch (NumberFormatException e) {
      return 0; // "1.8" and the like
    }
  }

  /** The vector kernels, or a String that says why there are none. */
  private static Object vectorKernels() {
    try {
      return Class.forName(VECTOR_KERNELS).getDeclaredConstructor().newInstance();
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
