package org.e2llm.plan;

/**
 * How fast a device computes, as it has measured itself with its real kernels: the part of a {@link
 * DeviceProfile} that does not depend on who asks. Effective figures: what arrives in a layer, with
 * the waiting of threads for each other, not what a data sheet says.
 *
 * @param prefillFlops floating point operations per second with many rows (F); a weight counts two
 *     per row
 * @param decodeFlops the same with few rows (F_dec)
 * @param memoryBandwidth bytes of weights read per second with one row (BW), from beyond the caches
 *     where the model's layers are there too
 * @param stepSeconds fixed cost of a step, whatever is in it (t0)
 * @param fma whether it has fused multiply-add in hardware
 */
public record DeviceSpeed(
    double prefillFlops,
    double decodeFlops,
    double memoryBandwidth,
    double stepSeconds,
    boolean fma) {
  public DeviceSpeed {
    Check.positive("device speed", "prefillFlops", prefillFlops);
    Check.positive("device speed", "decodeFlops", decodeFlops);
    Check.positive("device speed", "memoryBandwidth", memoryBandwidth);
    Check.notNegative("device speed", "stepSeconds", stepSeconds);
  }

  /**
   * The profile of the device that has this speed.
   *
   * @param memoryBytes what it offers
   */
  public DeviceProfile profile(String id, String name, long memoryBytes, Nic nic) {
    return new DeviceProfile(
        id, name, prefillFlops, decodeFlops, memoryBandwidth, stepSeconds, memoryBytes, fma, nic);
  }
}
