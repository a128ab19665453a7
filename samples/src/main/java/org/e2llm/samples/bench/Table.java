package org.e2llm.samples.bench;

import java.util.Locale;
import org.e2llm.E2llm;
import org.e2llm.ModelInspection;
import org.e2llm.model.ModelSpec;
import org.e2llm.samples.console.Sizes;

/** A Markdown table with the columns of {@code llama-bench}, and the kernels. */
final class Table {
  private static final String RULE =
      "| ------------------------------ | ---------: | ---------: | ---------------- | ------: |"
          + " --------------: | -------------------: |\n";

  private final E2llm llm;
  private final ModelInspection inspection;

  Table(E2llm llm, ModelInspection inspection) {
    this.llm = llm;
    this.inspection = inspection;
  }

  String head() {
    return line("model", "size", "params", "kernels", "threads", "test", "t/s") + RULE;
  }

  String row(Test test, int sessions, Speed speed) {
    return line(
        modelLabel(inspection.spec()),
        Sizes.of(inspection.weightBytes()),
        Sizes.count(inspection.spec().parameterCount()),
        llm.kernels().name(),
        Integer.toString(llm.kernels().threads()),
        sessions > 1 ? test.name() + " x" + sessions : test.name(),
        String.format(Locale.ROOT, "%.2f ± %.2f", speed.mean(), speed.deviation()));
  }

  /** Name and type, such as {@code stories260K F32}. */
  static String modelLabel(ModelSpec spec) {
    return spec.name() + " " + spec.quantization();
  }

  private static String line(Object... cells) {
    return String.format("| %-30s | %10s | %10s | %-16s | %7s | %15s | %20s |\n", cells);
  }
}
