package org.e2llm.kernels.model;

import org.e2llm.ModelFormatException;
import org.e2llm.UnsupportedModelException;
import org.jspecify.annotations.Nullable;

/**
 * Reads the metadata keys that all architectures share; their meaning is that of the GGUF
 * specification.
 */
final class ConfigReader {
  private ConfigReader() {}

  /**
   * @param header metadata
   * @param context positions a session may have
   * @param neox whether rotation pairs the halves of a head
   */
  static ModelConfig read(ModelHeader header, int context, boolean neox) {
    refuseExperts(header);
    int layers = header.integer("block_count", 1, Limits.LAYERS);
    int width = header.embeddingLength();
    int feedForward =
        header.integerOfAllLayers("feed_forward_length", layers, 0, 1, Limits.FEED_FORWARD);
    Heads heads = heads(header, layers, width);
    return new ModelConfig(
        header.architecture(),
        layers,
        width,
        feedForward,
        header.vocabularySize(),
        header.trainedContext(),
        header.positive("attention.layer_norm_rms_epsilon", 0),
        1,
        Activation.SILU,
        heads,
        SlidingWindow.NONE,
        rope(header, heads, context, neox),
        null);
  }

  private static void refuseExperts(ModelHeader header) {
    int experts = header.integer("expert_count", 0, 0, Integer.MAX_VALUE);
    if (experts > 0) {
      throw new UnsupportedModelException(
          "metadata "
              + header.key("expert_count")
              + " is "
              + experts
              + ": mixtures of experts are not supported, only dense models");
    }
  }

  private static Heads heads(ModelHeader header, int layers, int width) {
    int count = header.integerOfAllLayers("attention.head_count", layers, 0, 1, Limits.HEADS);
    int countKv = header.integerOfAllLayers("attention.head_count_kv", layers, count, 1, count);
    if (count % countKv != 0) {
      throw new ModelFormatException(
          "metadata "
              + header.key("attention.head_count_kv")
              + " is "
              + countKv
              + ", expected a divisor of the "
              + count
              + " query heads");
    }
    int even = width / count;
    int keyLength = header.integer("attention.key_length", even, 1, Limits.HEAD_LENGTH);
    int valueLength = header.integer("attention.value_length", even, 1, Limits.HEAD_LENGTH);
    return new Heads(count, countKv, keyLength, valueLength, (float) (1 / Math.sqrt(keyLength)));
  }

  private static RopeConfig rope(ModelHeader header, Heads heads, int context, boolean neox) {
    int dimensions =
        header.integer("rope.dimension_count", heads.keyLength(), 2, heads.keyLength());
    if (dimensions % 2 != 0) {
      throw new ModelFormatException(
          "metadata "
              + header.key("rope.dimension_count")
              + " is "
              + dimensions
              + ", expected an even number");
    }
    float base = header.positive("rope.freq_base", 10_000);
    String type = header.string("rope.scaling.type", "linear");
    double factor = scalingFactor(header);
    double attention =
        (double) header.positive("rope.scaling.attn_factor", 1)
            * header.positive("rope.scaling.yarn_attn_factor", 1);
    RopeConfig.@Nullable Yarn yarn = null;
    switch (type) {
      case "none":
        factor = 1;
        break;
      case "linear":
      case "longrope":
        break;
      case "yarn":
        yarn = yarn(header);
        if (yarn.extrapolation() != 0 && factor > 1) {
          attention *= 1 + 0.1 * StrictMath.log(factor);
        }
        break;
      default:
        throw new UnsupportedModelException(
            "metadata "
                + header.key("rope.scaling.type")
                + " is \""
                + type
                + "\"; supported are none, linear, yarn, longrope");
    }
    return new RopeConfig(
        dimensions, neox, base, factor, yarn, attention, factorsTensor(header, context));
  }

  /** {@code rope.scaling.factor}, or the key it had before; 0 means none there. */
  private static double scalingFactor(ModelHeader header) {
    float factor = header.number("rope.scaling.factor", header.number("rope.scale_linear", 0));
    if (factor < 0) {
      throw new ModelFormatException(
          "metadata "
              + header.key("rope.scaling.factor")
              + " is "
              + factor
              + ", expected a number above 0");
    }
    return factor == 0 ? 1 : factor;
  }

  private static RopeConfig.Yarn yarn(ModelHeader header) {
    float extrapolation = header.number("rope.scaling.yarn_ext_factor", 1);
    return new RopeConfig.Yarn(
        extrapolation < 0 ? 1 : extrapolation,
        header.positive("rope.scaling.yarn_beta_fast", 32),
        header.positive("rope.scaling.yarn_beta_slow", 1),
        originalContext(header));
  }

  private static int originalContext(ModelHeader header) {
    return header.integer(
        "rope.scaling.original_context_length", header.trainedContext(), 1, Limits.CONTEXT);
  }

  /** Factors for every length come first; LongRoPE has a long and a short set. */
  private static @Nullable String factorsTensor(ModelHeader header, int context) {
    if (header.hasTensor(TensorLayout.ROPE_FREQS)) {
      return TensorLayout.ROPE_FREQS;
    }
    String chosen =
        context > originalContext(header)
            ? TensorLayout.ROPE_FACTORS_LONG
            : TensorLayout.ROPE_FACTORS_SHORT;
    return header.hasTensor(chosen) ? chosen : null;
  }
}
