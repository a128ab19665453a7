package org.e2llm.samples.plan;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.Workload;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.planner.simulator.Metric;
import org.e2llm.samples.study.Reference;
import org.e2llm.serving.KvHandoff;

/**
 * What the page draws: the strategies of {@link ResultJson}, and beside them the devices, the links
 * that plans use, and every load of the sweep. Bytes, seconds, and shares.
 */
final class ReportData {
  private static final Metric[] SWEPT = {Metric.WAIT, Metric.TTFT, Metric.E2E};

  private final Comparison comparison;
  private final Workload mean;

  private ReportData(Comparison comparison) {
    this.comparison = comparison;
    Cell cell = comparison.cell();
    int count = cell.count();
    this.mean = cell.traffic().requests(count, 1, comparison.seed()).workload(count, 1);
  }

  /** As a JSON object. */
  static String of(Comparison comparison, String command) {
    ReportData data = new ReportData(comparison);
    return ResultJson.object(
        json -> {
          json.writeStringField("command", command);
          data.writeCell(json);
          data.writeModel(json);
          data.writeDevices(json);
          json.writeArrayFieldStart("strategies");
          for (Comparison.Row row : comparison.rows()) {
            json.writeStartObject();
            json.writeStringField("name", row.candidate().name());
            ResultJson.writeRow(json, row);
            json.writeStringField(
                "policy",
                PlanText.policy(row.candidate().plan().policy(), row.candidate().plan().wire()));
            data.writeLinks(json, row.candidate().deployment());
            writeSweep(json, row);
            json.writeEndObject();
          }
          json.writeEndArray();
        });
  }

  private void writeCell(JsonGenerator json) throws IOException {
    Cell cell = comparison.cell();
    Reference reference = comparison.reference();
    json.writeStringField("fleetName", cell.fleet().name());
    json.writeStringField("workload", cell.traffic().name());
    json.writeNumberField("load", comparison.load());
    json.writeNumberField("seed", comparison.seed());
    json.writeNumberField("requests", cell.count());
    json.writeNumberField("meanPrompt", mean.meanPrompt());
    json.writeNumberField("meanOutput", mean.meanOutput());
    json.writeNumberField("clipped", cell.traffic().clipped());
    json.writeBooleanField("replay", cell.traffic().trace() != null);
    json.writeNumberField("rate", comparison.rate());
    json.writeNumberField("lambda1", reference.rate());
    json.writeObjectFieldStart("slo");
    ResultJson.writeNumber(json, "ttft", reference.slo().ttftSeconds());
    ResultJson.writeNumber(json, "tpot", reference.slo().tpotSeconds());
    json.writeEndObject();
    json.writeNumberField("goodputBound", comparison.goodputBound(comparison.load()));
    json.writeArrayFieldStart("goodputBounds");
    for (Outcome outcome : comparison.rows().get(0).sweep()) {
      json.writeNumber(comparison.goodputBound(outcome.load()));
    }
    json.writeEndArray();
  }

  private void writeModel(JsonGenerator json) throws IOException {
    PlannedModel model = comparison.cell().cost().model();
    json.writeObjectFieldStart("shape");
    json.writeStringField("name", model.spec().name());
    json.writeStringField("quantization", model.spec().quantization());
    json.writeNumberField("layers", model.layerCount());
    json.writeNumberField("bytes", model.weightBytes(0, model.layerCount()));
    json.writeEndObject();
  }

  private void writeDevices(JsonGenerator json) throws IOException {
    json.writeArrayFieldStart("devices");
    for (DeviceProfile device : comparison.cell().fleet().devices()) {
      json.writeStartObject();
      json.writeStringField("id", device.id());
      json.writeStringField("name", device.name());
      json.writeNumberField("prefillFlops", device.prefillFlops());
      json.writeNumberField("memoryBandwidth", device.memoryBandwidth());
      json.writeNumberField("memoryBytes", device.memoryBytes());
      json.writeNumberField("nicBytesPerSecond", device.nic().bytesPerSecond());
      json.writeStringField("medium", device.nic().medium());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  /** Weights of each stage, the links between stages, and those that the KV cache takes. */
  private void writeLinks(JsonGenerator json, Deployment deployment) throws IOException {
    Plan plan = deployment.plan();
    json.writeArrayFieldStart("chains");
    for (int r = 0; r < deployment.replicas(); r++) {
      ReplicaPlan replica = plan.replicas().get(r);
      json.writeStartObject();
      json.writeArrayFieldStart("weightBytes");
      for (StagePlan stage : replica.stages()) {
        int from = stage.layers().from();
        json.writeNumber(deployment.cost().model().weightBytes(from, stage.layers().to()));
      }
      json.writeEndArray();
      json.writeArrayFieldStart("hops");
      for (int s = 0; s + 1 < replica.stages().size(); s++) {
        json.writeStartObject();
        writeLink(json, deployment.hop(r, s));
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("handoffs");
    for (int p = 0; p < deployment.replicas(); p++) {
      for (int d = 0; d < deployment.replicas(); d++) {
        Role from = plan.replicas().get(p).role();
        Role to = plan.replicas().get(d).role();
        if (from != to && from != Role.DECODE && to != Role.PREFILL) {
          writeHandoff(json, deployment, p, d);
        }
      }
    }
    json.writeEndArray();
    int layers = deployment.cost().model().layerCount();
    long kv = deployment.cost().handoffBytes(layers, Math.round(mean.meanPrompt()));
    json.writeNumberField("meanKvBytes", kv);
  }

  /** The slowest link of a hand-off between two replicas. */
  private static void writeHandoff(JsonGenerator json, Deployment deployment, int p, int d)
      throws IOException {
    LinkProfile slowest = null;
    for (KvHandoff.Pair pair : deployment.pairs(p, d)) {
      int from = deployment.device(p, pair.fromStage());
      int to = deployment.device(d, pair.toStage());
      LinkProfile link = deployment.network().link(from, to);
      if (slowest == null || link.bytesPerSecond() < slowest.bytesPerSecond()) {
        slowest = link;
      }
    }
    if (slowest != null) {
      json.writeStartObject();
      json.writeNumberField("from", p);
      json.writeNumberField("to", d);
      writeLink(json, slowest);
      json.writeEndObject();
    }
  }

  private static void writeLink(JsonGenerator json, LinkProfile link) throws IOException {
    json.writeNumberField("bytesPerSecond", link.bytesPerSecond());
    json.writeNumberField("latencySeconds", link.latencySeconds());
    json.writeStringField("medium", link.medium());
  }

  private static void writeSweep(JsonGenerator json, Comparison.Row row) throws IOException {
    json.writeArrayFieldStart("sweep");
    for (Outcome outcome : row.sweep()) {
      json.writeStartObject();
      json.writeNumberField("load", outcome.load());
      for (Metric metric : SWEPT) {
        ResultJson.writeDistribution(json, MetricsTable.name(metric), outcome.of(metric));
      }
      json.writeNumberField("goodput", outcome.goodput());
      json.writeEndObject();
    }
    json.writeEndArray();
  }
}
