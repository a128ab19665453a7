package org.e2llm.samples.plan;

import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.List;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.e2llm.planner.workload.Trace;
import org.e2llm.samples.console.ModelOption;
import org.e2llm.samples.console.UsageException;
import org.jspecify.annotations.Nullable;

/**
 * The kind of requests that a command line names: what lengths they have and how they arrive.
 *
 * @param name as it was asked for
 * @param lengths to draw from
 * @param trace whose arrivals are replayed, or null for Poisson arrivals
 * @param clipped share of the recorded prompts that were longer than a prompt may be
 */
record Traffic(String name, Lengths lengths, @Nullable Trace trace, double clipped) {
  private static final String REPLAY = "-replay";
  private static final String TRACES = "data/azure-traces";
  private static final List<Lengths> SYNTHETIC =
      List.of(Lengths.LONG_IN, Lengths.LONG_OUT, Lengths.UNIFORM);

  /**
   * By name, or from a trace.
   *
   * @param word {@code conv}, {@code code}, {@code long-in}, {@code long-out}, {@code uniform}, a
   *     CSV file; with {@code -replay} after it the recorded arrivals too
   * @throws org.e2llm.planner.workload.TraceFormatException if a file is no trace
   */
  static Traffic of(String word) {
    for (Lengths lengths : SYNTHETIC) {
      if (lengths.name().equals(word)) {
        return new Traffic(word, lengths, null, 0);
      }
    }
    Trace trace = Trace.read(file(lengthsOf(word)));
    double clipped = (double) trace.clipped() / trace.size();
    return new Traffic(word, Lengths.of(trace), word.endsWith(REPLAY) ? trace : null, clipped);
  }

  /** Where the lengths are from: the name without {@code -replay}. */
  static String lengthsOf(String word) {
    return word.endsWith(REPLAY) ? word.substring(0, word.length() - REPLAY.length()) : word;
  }

  private static Path file(String base) {
    if (base.equals("conv") || base.equals("code")) {
      return azure("AzureLLMInferenceTrace_" + base + ".csv");
    }
    if (!Sources.isFile(base, ".csv")) {
      throw new UsageException(
          "workload "
              + base
              + " is not known; there are conv, code, conv-replay, code-replay, long-in, long-out,"
              + " uniform, or a CSV file of your own");
    }
    return ModelOption.checked(Path.of(base));
  }

  /** Looks in the shared folder: where it is said to lie, else beside the clone. */
  private static Path azure(String name) {
    String named = System.getProperty("e2llm.shared");
    if (named != null && Files.exists(Path.of(named, TRACES, name))) {
      return Path.of(named, TRACES, name);
    }
    Path file = above("shared/" + TRACES + "/" + name);
    if (file != null) {
      return file;
    }
    throw new UsageException(
        "the trace "
            + name
            + " was not found in ../shared/"
            + TRACES
            + " beside the clone: get it from github.com/Azure/AzurePublicDataset and give the file"
            + " (or its folder's root in E2LLM_JAVA_OPTS=-De2llm.shared=FOLDER)");
  }

  /** A file at a relative path in a folder above this program, or null. */
  static @Nullable Path above(String relative) {
    for (Path folder = home(); folder != null; folder = folder.getParent()) {
      Path file = folder.resolve(relative);
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    return null;
  }

  /** Where this program lies; the working folder if that cannot be told. */
  private static Path home() {
    CodeSource source = Traffic.class.getProtectionDomain().getCodeSource();
    try {
      if (source != null) {
        return Path.of(source.getLocation().toURI()).toAbsolutePath();
      }
    } catch (URISyntaxException | RuntimeException e) {
      // Not loaded from a file.
    }
    return Path.of("").toAbsolutePath();
  }

  /**
   * Requests of this kind; the same seed gives the same lengths at every rate.
   *
   * @param rate mean arrivals per second
   */
  Requests requests(int count, double rate, long seed) {
    return trace == null
        ? Requests.poisson(lengths, count, rate, seed)
        : Requests.replay(trace, count, rate, seed);
  }
}
