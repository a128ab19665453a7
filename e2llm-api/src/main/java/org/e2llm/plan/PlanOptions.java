package org.e2llm.plan;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.jspecify.annotations.Nullable;

/**
 * How to plan, and what the app wishes. Made by {@link #builder()}.
 *
 * @param strategy name of the strategy, with its variant where it has any: {@code splitwise:tuned}
 * @param seed the same question with the same seed gives the same plan
 * @param evaluations how many arrangements a search may try; 0 for as many as the default
 * @param kvType of the KV cache
 * @param wire formats on the network, or null for lossless ones
 * @param arithmetic of all stages
 * @param contextLength most positions of a session; 0 for what the model was trained for
 * @param modelId SHA-256 of the model's manifest, or empty
 * @param router how requests are routed, or null for the strategy's own way
 * @param throughput that many requests are done counts, even if few run at a time: a single one may
 *     then be slower than on the best device alone
 * @param mixFma devices without fused multiply-add may serve beside others; results may then depend
 *     on which device computed them
 * @param pins layers that a device must host, by device id
 * @param excluded ids of devices that host nothing
 * @param preferred ids of devices to be used where that costs little
 * @param ends layers at both ends of the model that a device keeps, by device id; of one at most
 */
public record PlanOptions(
    String strategy,
    long seed,
    int evaluations,
    KvType kvType,
    @Nullable WireFormats wire,
    Arithmetic arithmetic,
    int contextLength,
    String modelId,
    @Nullable RouterKind router,
    boolean throughput,
    boolean mixFma,
    Map<String, LayerRange> pins,
    Set<String> excluded,
    Set<String> preferred,
    Map<String, KeptEnds> ends) {
  /** What is planned with if nothing else is asked for. */
  public static final PlanOptions DEFAULTS = builder().build();

  public PlanOptions {
    pins = Map.copyOf(pins);
    excluded = Set.copyOf(excluded);
    preferred = Set.copyOf(preferred);
    ends = Map.copyOf(ends);
    if (ends.size() > 1) {
      throw new InvalidRequestException(
          "devices "
              + new TreeSet<>(ends.keySet())
              + " keep the ends of the model: a plan can leave them to one device");
    }
    Check.notBlank("options", "strategy", strategy);
    Check.notNegative("options", "evaluations", evaluations);
    Check.notNegative("options", "contextLength", contextLength);
    for (Map.Entry<String, LayerRange> pin : pins.entrySet()) {
      if (excluded.contains(pin.getKey())) {
        throw new InvalidRequestException(
            "device " + pin.getKey() + " is pinned to layers and excluded: it can be one of both");
      }
      if (pin.getValue().size() == 0) {
        throw Check.invalid("pin of " + pin.getKey(), "layers", pin.getValue(), "at least one");
      }
    }
    for (String device : ends.keySet()) {
      if (excluded.contains(device) || pins.containsKey(device)) {
        throw new InvalidRequestException(
            "device "
                + device
                + " keeps the ends of the model and is "
                + (excluded.contains(device) ? "excluded" : "pinned to layers")
                + ": it can be one of both");
      }
    }
    for (String device : preferred) {
      if (excluded.contains(device)) {
        throw new InvalidRequestException(
            "device " + device + " is preferred and excluded: it can be one of both");
      }
    }
  }

  /** The formats that apply. */
  public WireFormats wireFormats() {
    return wire == null ? WireFormats.lossless(kvType) : wire;
  }

  public static Builder builder() {
    return new Builder();
  }

  /** A builder with everything that is set here. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.strategy = strategy;
    builder.seed = seed;
    builder.evaluations = evaluations;
    builder.kvType = kvType;
    builder.wire = wire;
    builder.arithmetic = arithmetic;
    builder.contextLength = contextLength;
    builder.modelId = modelId;
    builder.router = router;
    builder.throughput = throughput;
    builder.mixFma = mixFma;
    builder.pins.putAll(pins);
    builder.excluded.addAll(excluded);
    builder.preferred.addAll(preferred);
    builder.ends.putAll(ends);
    return builder;
  }

  /** Collects options. Not thread-safe. */
  public static final class Builder {
    private String strategy = "adaptive";
    private long seed = 1;
    private int evaluations;
    private KvType kvType = KvType.F16;
    private @Nullable WireFormats wire;
    private Arithmetic arithmetic = Arithmetic.F32;
    private int contextLength;
    private String modelId = "";
    private @Nullable RouterKind router;
    private boolean throughput;
    private boolean mixFma;
    private final Map<String, LayerRange> pins = new HashMap<>();
    private final Set<String> excluded = new HashSet<>();
    private final Set<String> preferred = new HashSet<>();
    private final Map<String, KeptEnds> ends = new HashMap<>();

    private Builder() {}

    public Builder strategy(String value) {
      strategy = value;
      return this;
    }

    public Builder seed(long value) {
      seed = value;
      return this;
    }

    public Builder evaluations(int value) {
      evaluations = value;
      return this;
    }

    public Builder kvType(KvType value) {
      kvType = value;
      return this;
    }

    public Builder wire(@Nullable WireFormats value) {
      wire = value;
      return this;
    }

    public Builder arithmetic(Arithmetic value) {
      arithmetic = value;
      return this;
    }

    public Builder contextLength(int value) {
      contextLength = value;
      return this;
    }

    public Builder modelId(String value) {
      modelId = value;
      return this;
    }

    public Builder router(@Nullable RouterKind value) {
      router = value;
      return this;
    }

    public Builder throughput(boolean value) {
      throughput = value;
      return this;
    }

    public Builder mixFma(boolean value) {
      mixFma = value;
      return this;
    }

    /** The device hosts exactly these layers. */
    public Builder pin(String device, LayerRange layers) {
      pins.put(device, layers);
      return this;
    }

    /** The device hosts nothing. */
    public Builder exclude(String device) {
      excluded.add(device);
      return this;
    }

    /** A plan that uses the device wins over one that does not and is up to a tenth better. */
    public Builder prefer(String device) {
      preferred.add(device);
      return this;
    }

    /**
     * The device hosts these layers at both ends of the model, with the embedding and the head, or
     * all of it: the only replica begins and ends there.
     */
    public Builder keepEnds(String device, KeptEnds kept) {
      ends.put(device, kept);
      return this;
    }

    /** Takes back {@link #keepEnds}. */
    public Builder withoutEnds() {
      ends.clear();
      return this;
    }

    public PlanOptions build() {
      return new PlanOptions(
          strategy,
          seed,
          evaluations,
          kvType,
          wire,
          arithmetic,
          contextLength,
          modelId,
          router,
          throughput,
          mixFma,
          pins,
          excluded,
          preferred,
          ends);
    }
  }
}
