package org.e2llm.samples.generate;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.e2llm.E2llm;
import org.e2llm.GenerationResult;
import org.e2llm.KernelInfo;
import org.e2llm.Timings;
import org.e2llm.model.ModelSpec;
import org.e2llm.samples.console.Json;
import org.jspecify.annotations.Nullable;

/** What ran and how fast, for people and for scripts. */
final class Stats {
  private Stats() {}

  /** One line to read. */
  static String line(E2llm llm, GenerationResult result) {
    ModelSpec spec = llm.modelSpec();
    KernelInfo kernels = llm.kernels();
    Timings timings = result.timings();
    return String.format(
        Locale.ROOT,
        "%s %s | %s kernels, %d thread%s | prompt %d + output %d tokens | TTFT %.1f ms"
            + " | prefill %.1f tok/s | decode %.1f tok/s",
        spec.name(),
        spec.quantization(),
        kernels.name(),
        kernels.threads(),
        kernels.threads() == 1 ? "" : "s",
        result.usage().promptTokens(),
        result.usage().outputTokens(),
        milliseconds(timings.ttft()),
        timings.prefillTokensPerSecond(),
        timings.decodeTokensPerSecond());
  }

  /** One JSON object on one line; times in milliseconds, 0 for what did not happen. */
  static String json(E2llm llm, GenerationResult result) {
    ModelSpec spec = llm.modelSpec();
    Timings timings = result.timings();
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("modelName", spec.name());
    fields.put("architecture", spec.architecture());
    fields.put("quant", spec.quantization());
    fields.put("kernels", llm.kernels().name());
    fields.put("threads", llm.kernels().threads());
    fields.put("promptTokens", result.usage().promptTokens());
    fields.put("outputTokens", result.usage().outputTokens());
    fields.put("loadMs", milliseconds(llm.loadTime()));
    fields.put("ttftMs", milliseconds(timings.ttft()));
    fields.put("prefillTokensPerSecond", timings.prefillTokensPerSecond());
    fields.put("decodeTokensPerSecond", timings.decodeTokensPerSecond());
    fields.put("finishReason", result.finishReason().name());
    fields.put("seed", result.seed());
    return Json.object(fields);
  }

  private static double milliseconds(Duration duration) {
    return duration.toNanos() / 1e6;
  }
}
