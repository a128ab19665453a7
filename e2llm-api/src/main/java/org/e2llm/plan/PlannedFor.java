package org.e2llm.plan;

import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;

/**
 * The model a plan is for, and what all devices must agree on about it.
 *
 * @param name of the model
 * @param modelId SHA-256 of its manifest in hex, or empty where it is not known yet
 * @param layerCount transformer blocks
 * @param kvType of the KV cache
 * @param contextLength most positions of a session
 * @param arithmetic in which all stages compute
 */
public record PlannedFor(
    String name,
    String modelId,
    int layerCount,
    KvType kvType,
    int contextLength,
    Arithmetic arithmetic) {
  public PlannedFor {
    Check.notBlank("model", "name", name);
    Check.positive("model " + name, "layerCount", layerCount);
    Check.positive("model " + name, "contextLength", contextLength);
    if (!modelId.matches("([0-9a-f]{64})?")) {
      throw Check.invalid("model " + name, "modelId", modelId, "64 hex digits, or empty");
    }
  }
}
