package org.e2llm.plan;

/**
 * What a device can do for a model, as measured on it with the real kernels (never looked up by
 * name). Effective figures: what arrives in a step, not what a data sheet says.
 *
 * @param id unique in its fleet
 * @param name what a person calls it
 * @param prefillFlops floating point operations per second with many rows (F)
 * @param decodeFlops floating point operations per second with few rows (F_dec)
 * @param memoryBandwidth bytes of weights and KV cache read per second (BW)
 * @param stepSeconds fixed cost of a step, whatever is in it (t0)
 * @param memoryBytes what it offers for weights, KV cache and work buffers
 * @param fma whether it has fused multiply-add: without, its last bits may differ from the others'
 * @param nic how it reaches other devices
 */
public record DeviceProfile(
    String id,
    String name,
    double prefillFlops,
    double decodeFlops,
    double memoryBandwidth,
    double stepSeconds,
    long memoryBytes,
    boolean fma,
    Nic nic) {
  public DeviceProfile {
    Check.notBlank("device", "id", id);
    String owner = "device " + id;
    Check.notBlank(owner, "name", name);
    Check.positive(owner, "prefillFlops", prefillFlops);
    Check.positive(owner, "decodeFlops", decodeFlops);
    Check.positive(owner, "memoryBandwidth", memoryBandwidth);
    Check.notNegative(owner, "stepSeconds", stepSeconds);
    Check.positive(owner, "memoryBytes", memoryBytes);
  }

  /** The same device, known by another id and name. */
  public DeviceProfile named(String newId, String newName) {
    return new DeviceProfile(
        newId,
        newName,
        prefillFlops,
        decodeFlops,
        memoryBandwidth,
        stepSeconds,
        memoryBytes,
        fma,
        nic);
  }

  /** The same device, which offers more or less. */
  public DeviceProfile withMemory(long bytes) {
    return new DeviceProfile(
        id, name, prefillFlops, decodeFlops, memoryBandwidth, stepSeconds, bytes, fma, nic);
  }

  /** The same device, found to be faster or slower. */
  public DeviceProfile withSpeed(
      double newPrefillFlops,
      double newDecodeFlops,
      double newMemoryBandwidth,
      double newStepSeconds) {
    return new DeviceProfile(
        id,
        name,
        newPrefillFlops,
        newDecodeFlops,
        newMemoryBandwidth,
        newStepSeconds,
        memoryBytes,
        fma,
        nic);
  }

  /**
   * Whether a plan cannot tell the two apart: all but the names are equal. Searches treat such
   * devices as one kind.
   */
  public boolean sameKind(DeviceProfile other) {
    return prefillFlops == other.prefillFlops
        && decodeFlops == other.decodeFlops
        && memoryBandwidth == other.memoryBandwidth
        && stepSeconds == other.stepSeconds
        && memoryBytes == other.memoryBytes
        && fma == other.fma
        && nic.equals(other.nic);
  }
}
