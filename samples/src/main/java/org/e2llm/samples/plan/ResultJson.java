package org.e2llm.samples.plan;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.e2llm.plan.PlanCodec;
import org.e2llm.planner.simulator.Distribution;
import org.e2llm.planner.simulator.Metric;

/**
 * A comparison for scripts:
 *
 * <pre>{@code
 * {fleet, model, workload, load, seed, requests,
 *  strategies: [{strategy, variant, router, plan,
 *                metrics: {queue, handoff, admission, wait, ttft, tpot, e2e: {mean, p50, p90, p99}},
 *                goodput, throughput}]}
 * }</pre>
 *
 * Times in seconds, goodput a share, throughput the saturated one in requests per second; what was
 * not measured is null. Plans are as {@link PlanCodec} writes them.
 */
final class ResultJson {
  private static final JsonFactory FACTORY = new JsonFactory();

  interface Content {
    void writeTo(JsonGenerator json) throws IOException;
  }

  private ResultJson() {}

  /**
   * An indented object, with a line end.
   *
   * @param fleet as it was asked for, like {@code model}
   */
  static String of(Comparison comparison, String fleet, String model) {
    return object(
        json -> {
          json.writeStringField("fleet", fleet);
          json.writeStringField("model", model);
          json.writeStringField("workload", comparison.cell().traffic().name());
          json.writeNumberField("load", comparison.load());
          json.writeNumberField("seed", comparison.seed());
          json.writeNumberField("requests", comparison.cell().count());
          json.writeArrayFieldStart("strategies");
          for (Comparison.Row row : comparison.rows()) {
            json.writeStartObject();
            writeRow(json, row);
            json.writeEndObject();
          }
          json.writeEndArray();
        });
  }

  static String object(Content content) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = FACTORY.createGenerator(text)) {
      json.setPrettyPrinter(
          new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n")));
      json.writeStartObject();
      content.writeTo(json);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text + "\n";
  }

  /** The fields of one strategy. */
  static void writeRow(JsonGenerator json, Comparison.Row row) throws IOException {
    json.writeStringField("strategy", row.candidate().strategy().name());
    json.writeStringField("variant", row.candidate().strategy().variant());
    json.writeStringField("router", MetricsTable.router(row));
    json.writeFieldName("plan");
    json.writeRawValue(PlanCodec.toJson(row.candidate().plan()).replace("\n", "\n    "));
    json.writeObjectFieldStart("metrics");
    for (Metric metric : Metric.values()) {
      writeDistribution(json, MetricsTable.name(metric), row.outcome().of(metric));
    }
    json.writeEndObject();
    writeNumber(json, "goodput", row.outcome().goodput());
    writeNumber(json, "throughput", row.throughput());
  }

  static void writeDistribution(JsonGenerator json, String name, Distribution distribution)
      throws IOException {
    json.writeObjectFieldStart(name);
    for (Map.Entry<String, ToDoubleFunction<Distribution>> statistic :
        MetricsTable.STATISTICS.entrySet()) {
      writeNumber(json, statistic.getKey(), statistic.getValue().applyAsDouble(distribution));
    }
    json.writeEndObject();
  }

  /** JSON has neither NaN nor infinity: what was not measured, or has no limit, is null. */
  static void writeNumber(JsonGenerator json, String name, double value) throws IOException {
    if (Double.isFinite(value)) {
      json.writeNumberField(name, value);
    } else {
      json.writeNullField(name);
    }
  }
}
