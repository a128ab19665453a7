package org.e2llm.plan;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.E2llmException;
import org.e2llm.InvalidRequestException;
import org.e2llm.PlanFormatException;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;

/**
 * A plan as JSON and back, without loss. {@code docs/planner.md} shows an example.
 *
 * <p>Strict: a field that is missing, unknown, twice or of another type is a {@link
 * PlanFormatException} that names it, as is a plan that is not sound.
 */
public final class PlanCodec {
  /** Value of the field {@code format}. */
  public static final String FORMAT = "e2llm-plan/1";

  private PlanCodec() {}

  /** Indented, with a fixed order of fields: equal plans give equal texts. */
  public static String toJson(Plan plan) {
    return JsonText.write(
        json -> {
          json.writeStringField("format", FORMAT);
          json.writeObjectFieldStart("order");
          json.writeNumberField("counter", plan.order().counter());
          json.writeStringField("coordinator", plan.order().coordinator());
          json.writeStringField("hash", plan.order().hash());
          json.writeEndObject();
          writeContent(json, plan);
        });
  }

  /** SHA-256 in hex of all but the order, which holds it. */
  public static String hash(Plan plan) {
    String content = JsonText.write(json -> writeContent(json, plan));
    byte[] digest;
    try {
      digest =
          MessageDigest.getInstance("SHA-256").digest(content.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new E2llmException("this platform has no SHA-256, which every Java platform has", e);
    }
    StringBuilder hex = new StringBuilder();
    for (byte b : digest) {
      hex.append(Character.forDigit((b >> 4) & 15, 16)).append(Character.forDigit(b & 15, 16));
    }
    return hex.toString();
  }

  private static void writeContent(JsonGenerator json, Plan plan) throws IOException {
    writeModel(json, plan.model());
    json.writeStringField("strategy", plan.strategy());
    json.writeObjectFieldStart("wire");
    json.writeStringField("hidden", plan.wire().hidden().name());
    json.writeStringField("kv", plan.wire().kv().name());
    json.writeEndObject();
    writePolicy(json, plan.policy());
    json.writeArrayFieldStart("replicas");
    for (ReplicaPlan replica : plan.replicas()) {
      writeReplica(json, replica);
    }
    json.writeEndArray();
    json.writeArrayFieldStart("placements");
    for (Placement placement : plan.placements()) {
      json.writeStartObject();
      json.writeStringField("device", placement.device());
      json.writeBooleanField("placed", placement.placed());
      json.writeStringField("reason", placement.reason());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void writeModel(JsonGenerator json, PlannedFor model) throws IOException {
    json.writeObjectFieldStart("model");
    json.writeStringField("name", model.name());
    json.writeStringField("modelId", model.modelId());
    json.writeNumberField("layers", model.layerCount());
    json.writeStringField("kvType", model.kvType().name());
    json.writeNumberField("context", model.contextLength());
    json.writeStringField("arithmetic", model.arithmetic().name());
    json.writeEndObject();
  }

  private static void writePolicy(JsonGenerator json, ServingPolicy policy) throws IOException {
    json.writeObjectFieldStart("policy");
    json.writeStringField("router", policy.router().name());
    json.writeBooleanField("lateBinding", policy.lateBinding());
    json.writeBooleanField("roleSpill", policy.roleSpill());
    json.writeBooleanField("decodeInPlace", policy.decodeInPlace());
    json.writeBooleanField("mixedPool", policy.mixedPool());
    json.writeNumberField("chunkTokens", policy.chunkTokens());
    json.writeObjectFieldStart("slo");
    writeLimit(json, "ttftSeconds", policy.slo().ttftSeconds());
    writeLimit(json, "tpotSeconds", policy.slo().tpotSeconds());
    json.writeEndObject();
    json.writeEndObject();
  }

  /** No field where there is no limit: JSON knows nothing infinite. */
  private static void writeLimit(JsonGenerator json, String field, double seconds)
      throws IOException {
    if (seconds < Double.POSITIVE_INFINITY) {
      json.writeNumberField(field, seconds);
    }
  }

  private static void writeReplica(JsonGenerator json, ReplicaPlan replica) throws IOException {
    json.writeStartObject();
    json.writeStringField("role", replica.role().name());
    json.writeArrayFieldStart("stages");
    for (StagePlan stage : replica.stages()) {
      json.writeStartObject();
      json.writeStringField("device", stage.device());
      json.writeFieldName("layers");
      json.writeArray(new int[] {stage.layers().from(), stage.layers().to()}, 0, 2);
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeNumberField("kvTokens", replica.kvTokens());
    ReplicaPlan.Expected expected = replica.expected();
    json.writeObjectFieldStart("expected");
    json.writeNumberField("ttftSeconds", expected.ttftSeconds());
    json.writeNumberField("tpotSeconds", expected.tpotSeconds());
    json.writeNumberField("requestsPerSecond", expected.requestsPerSecond());
    json.writeNumberField("tokensPerSecond", expected.tokensPerSecond());
    json.writeEndObject();
    json.writeEndObject();
  }

  /**
   * Reads what {@link #toJson} wrote, or a person.
   *
   * @throws PlanFormatException if it is malformed
   */
  public static Plan parse(String text) {
    JsonFields json = JsonFields.parse(text, FORMAT);
    try {
      Plan plan =
          new Plan(
              readOrder(json.object("order")),
              readModel(json.object("model")),
              json.text("strategy"),
              readWire(json.object("wire")),
              readPolicy(json.object("policy")),
              readReplicas(json.objects("replicas")),
              readPlacements(json.objects("placements")));
      json.end();
      return plan;
    } catch (InvalidRequestException e) {
      throw new PlanFormatException("the plan is not sound: " + e.getMessage(), e);
    }
  }

  private static PlanOrder readOrder(JsonFields json) {
    PlanOrder order =
        new PlanOrder(json.whole("counter"), json.text("coordinator"), json.text("hash"));
    json.end();
    return order;
  }

  private static PlannedFor readModel(JsonFields json) {
    PlannedFor model =
        new PlannedFor(
            json.text("name"),
            json.text("modelId"),
            json.integer("layers"),
            json.constant("kvType", KvType.class),
            json.integer("context"),
            json.constant("arithmetic", Arithmetic.class));
    json.end();
    return model;
  }

  private static WireFormats readWire(JsonFields json) {
    WireFormats wire =
        new WireFormats(
            json.constant("hidden", HiddenType.class), json.constant("kv", KvType.class));
    json.end();
    return wire;
  }

  private static ServingPolicy readPolicy(JsonFields json) {
    ServingPolicy policy =
        new ServingPolicy(
            json.constant("router", ServingPolicy.RouterKind.class),
            json.truth("lateBinding"),
            json.truth("roleSpill"),
            json.truth("decodeInPlace"),
            json.truth("mixedPool"),
            json.integer("chunkTokens"),
            readSlo(json.object("slo")));
    json.end();
    return policy;
  }

  private static Slo readSlo(JsonFields json) {
    Slo slo = new Slo(limit(json, "ttftSeconds"), limit(json, "tpotSeconds"));
    json.end();
    return slo;
  }

  private static double limit(JsonFields json, String field) {
    return json.has(field) ? json.number(field) : Double.POSITIVE_INFINITY;
  }

  private static List<ReplicaPlan> readReplicas(List<JsonFields> items) {
    List<ReplicaPlan> replicas = new ArrayList<>();
    for (JsonFields json : items) {
      replicas.add(
          new ReplicaPlan(
              json.constant("role", Role.class),
              readStages(json.objects("stages")),
              json.whole("kvTokens"),
              readExpected(json.object("expected"))));
      json.end();
    }
    return replicas;
  }

  private static List<StagePlan> readStages(List<JsonFields> items) {
    List<StagePlan> stages = new ArrayList<>();
    for (JsonFields json : items) {
      int[] layers = json.pair("layers");
      if (layers[0] < 0 || layers[1] < layers[0]) {
        throw new InvalidRequestException(
            "layers [" + layers[0] + ", " + layers[1] + ") are no range");
      }
      stages.add(new StagePlan(json.text("device"), LayerRange.of(layers[0], layers[1])));
      json.end();
    }
    return stages;
  }

  private static ReplicaPlan.Expected readExpected(JsonFields json) {
    ReplicaPlan.Expected expected =
        new ReplicaPlan.Expected(
            json.number("ttftSeconds"),
            json.number("tpotSeconds"),
            json.number("requestsPerSecond"),
            json.number("tokensPerSecond"));
    json.end();
    return expected;
  }

  private static List<Placement> readPlacements(List<JsonFields> items) {
    List<Placement> placements = new ArrayList<>();
    for (JsonFields json : items) {
      placements.add(new Placement(json.text("device"), json.truth("placed"), json.text("reason")));
      json.end();
    }
    return placements;
  }
}
