package org.e2llm.plan;

/**
 * Why a device has its place, or none.
 *
 * @param device its id
 * @param placed whether it has a stage
 * @param reason a sentence for people
 */
public record Placement(String device, boolean placed, String reason) {
  public Placement {
    Check.notBlank("placement", "device", device);
    Check.notBlank("placement of " + device, "reason", reason);
  }
}
