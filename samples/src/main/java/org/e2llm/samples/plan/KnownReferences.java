package org.e2llm.samples.plan;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.e2llm.plan.Slo;
import org.jspecify.annotations.Nullable;

/**
 * The references of known fleets and models, as the study keeps them in {@code
 * docs/planner/lambda1.csv}: what is there need not be measured again.
 */
final class KnownReferences {
  private static final String FILE = "docs/planner/lambda1.csv";
  private static final String HEADER = "fleet,model,workload,lambda1,slo_ttft,slo_tpot,idle_share";

  private KnownReferences() {}

  /**
   * Looks one up by the names of fleet, model and workload.
   *
   * @param workload with recorded arrivals the same as without
   * @return null if the file is not there, or does not have it
   */
  static @Nullable Reference find(String fleet, String model, String workload) {
    Path file = Traffic.above(FILE);
    if (file == null) {
      return null;
    }
    try {
      List<String> lines = Files.readAllLines(file);
      String key = String.join(",", fleet, model, Traffic.lengthsOf(workload), "");
      for (String line : lines.get(0).equals(HEADER) ? lines : List.<String>of()) {
        if (line.startsWith(key)) {
          return parse(line.substring(key.length()).split(",", -1));
        }
      }
      return null;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Reference parse(String[] fields) {
    return new Reference(
        Double.parseDouble(fields[0]),
        new Slo(Double.parseDouble(fields[1]), Double.parseDouble(fields[2])),
        Double.parseDouble(fields[3]));
  }
}
