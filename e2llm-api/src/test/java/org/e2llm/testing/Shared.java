package org.e2llm.testing;

import static org.junit.jupiter.api.Assumptions.abort;

import java.nio.file.Files;
import java.nio.file.Path;
import org.opentest4j.AssertionFailedError;

/**
 * Finds files that tests need and the repository does not hold.
 *
 * <p>There are two places. The <em>shared folder</em> lies beside the clone ({@code ../shared}, or
 * where the system property {@code e2llm.shared} points). A test that needs it is skipped without
 * it, and fails when {@code CI=true}: there, a missing folder would hide that nothing was tested.
 * The <em>models folder</em> is named by the environment variable {@code E2LLM_MODELS} and holds
 * models that everybody has to get for themselves; a test that needs one is skipped without it,
 * always.
 */
public final class Shared {
  private static final String GEMMA = "gemma-3-270m-q4_k_m.gguf";

  private Shared() {}

  /**
   * A file or folder of the shared folder.
   *
   * @param relative its path there, for example {@code models/stories15M-q8_0.gguf}
   * @throws org.opentest4j.TestAbortedException if it is missing: the test counts as skipped
   * @throws AssertionFailedError if it is missing and {@code CI=true}
   */
  public static Path require(String relative) {
    Path file = folder().resolve(relative);
    if (Files.exists(file)) {
      return file;
    }
    String message = "needs " + file + " (-De2llm.shared=FOLDER says where the shared folder lies)";
    if ("true".equals(System.getenv("CI"))) {
      throw new AssertionFailedError("CI=true, and the test " + message);
    }
    return skip(message);
  }

  /** Gemma 3 270M, whose licence everybody has to accept for themselves; skips without it. */
  public static Path gemma() {
    return extraModel(GEMMA);
  }

  /**
   * A model of the folder named by {@code E2LLM_MODELS}.
   *
   * @throws org.opentest4j.TestAbortedException if it is missing: the test counts as skipped
   */
  public static Path extraModel(String name) {
    String models = System.getenv("E2LLM_MODELS");
    if (models == null || models.isEmpty()) {
      return skip("needs " + name + " in the folder that E2LLM_MODELS names (it is not set)");
    }
    Path file = Path.of(models, name);
    return Files.exists(file) ? file : skip("needs " + file + " (from E2LLM_MODELS)");
  }

  /** Surefire counts skipped tests without their reasons, so the reason is printed. */
  private static Path skip(String message) {
    System.out.println("[skipped] " + message);
    return abort(message);
  }

  /** The shared folder; outside Maven (an IDE) it is searched upwards from the working folder. */
  private static Path folder() {
    String named = System.getProperty("e2llm.shared");
    if (named != null) {
      return Path.of(named).toAbsolutePath().normalize();
    }
    Path start = Path.of("").toAbsolutePath();
    for (Path p = start; p != null; p = p.getParent()) {
      if (Files.exists(p.resolve("mvnw"))) {
        return p.resolveSibling("shared");
      }
    }
    return start.resolveSibling("shared");
  }
}
