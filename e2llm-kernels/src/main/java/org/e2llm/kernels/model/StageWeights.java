package org.e2llm.kernels.model;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.ModelFormatException;
import org.e2llm.kernels.gguf.WeightSlice;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.model.LayerRange;
import org.jspecify.annotations.Nullable;

/**
 * The weights a stage computes with: its layers, and the embedding and the output head where its
 * range needs them. Read-only and shared; valid until the slice they lie in is closed.
 *
 * @param embedding one row per token, or null after the first stage
 * @param layers one per layer of the range
 * @param outputNorm before the output head, or null before the last stage
 * @param output the output head, or null before the last stage; the embedding where the file has no
 *     other
 * @param rope angles of layers that see everything
 * @param slidingRope angles of sliding layers
 */
record StageWeights(
    @Nullable Tensor embedding,
    List<LayerWeights> layers,
    float @Nullable [] outputNorm,
    @Nullable Projection output,
    RopeTable rope,
    RopeTable slidingRope) {

  /** Whether a stage of {@code range} reads the tensor called {@code name}. */
  static boolean needs(ModelConfig config, LayerRange range, boolean tied, String name) {
    if (name.startsWith("blk.")) {
      int dot = name.indexOf('.', 4);
      return dot > 0 && inside(range, name.substring(4, dot));
    }
    boolean first = range.from() == 0;
    boolean last = range.to() == config.layerCount();
    switch (name) {
      case TensorLayout.TOKEN_EMBEDDING:
        return first || (last && tied);
      case TensorLayout.OUTPUT_NORM:
      case TensorLayout.OUTPUT:
      case TensorLayout.OUTPUT_BIAS:
        return last;
      default:
        return name.equals(config.rope().factorsTensor());
    }
  }

  /** Takes the weights of {@code range} from a slice that holds what {@link #needs} asks for. */
  static StageWeights of(WeightSlice slice, ModelConfig config, LayerRange range) {
    List<LayerWeights> layers = new ArrayList<>();
    for (int layer = range.from(); layer < range.to(); layer++) {
      layers.add(LayerWeights.of(slice, config, layer));
    }
    boolean last = range.to() == config.layerCount();
    RopeConfig sliding = config.slidingRope();
    RopeTable rope = new RopeTable(config.rope(), factors(slice, config.rope()));
    return new StageWeights(
        range.from() == 0 ? slice.tensor(TensorLayout.TOKEN_EMBEDDING) : null,
        layers,
        last ? slice.floats(TensorLayout.OUTPUT_NORM) : null,
        last ? output(slice) : null,
        rope,
        sliding == null ? rope : new RopeTable(sliding, factors(slice, sliding)));
  }

  private static boolean inside(LayerRange range, String number) {
    try {
      return range.contains(Integer.parseInt(number));
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private static Projection output(WeightSlice slice) {
    String name =
        slice.has(TensorLayout.OUTPUT) ? TensorLayout.OUTPUT : TensorLayout.TOKEN_EMBEDDING;
    float[] bias =
        slice.has(TensorLayout.OUTPUT_BIAS) ? slice.floats(TensorLayout.OUTPUT_BIAS) : null;
    return Projection.of(slice.tensor(name), bias);
  }

  private static float @Nullable [] factors(WeightSlice slice, RopeConfig rope) {
    String name = rope.factorsTensor();
    if (name == null) {
      return null;
    }
    float[] factors = slice.floats(name);
    for (int i = 0; i < factors.length; i++) {
      if (!(factors[i] > 0) || Float.isInfinite(factors[i])) {
        throw new ModelFormatException(
            "tensor " + name + " has " + factors[i] + " at " + i + ", expected a number above 0");
      }
    }
    return factors;
  }
}
