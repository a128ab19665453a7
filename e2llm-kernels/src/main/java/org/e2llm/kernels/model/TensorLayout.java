package org.e2llm.kernels.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.ModelFormatException;
import org.e2llm.UnsupportedModelException;
import org.e2llm.kernels.gguf.TensorInfo;
import org.e2llm.kernels.math.KernelsLookup;
import org.e2llm.model.GgmlType;

/**
 * The tensors a layer must and may have, with their shapes in GGUF's order (columns first), and the
 * check of a file's index against them.
 */
final class TensorLayout {
  static final String TOKEN_EMBEDDING = "token_embd.weight";
  static final String OUTPUT_NORM = "output_norm.weight";
  static final String OUTPUT = "output.weight";
  static final String OUTPUT_BIAS = "output.bias";
  static final String ROPE_FREQS = "rope_freqs.weight";
  static final String ROPE_FACTORS_LONG = "rope_factors_long.weight";
  static final String ROPE_FACTORS_SHORT = "rope_factors_short.weight";

  /** Written by old converters; says nothing that the metadata does not. */
  private static final String OLD_ROTATION = "attn_rot_embd.weight";

  private record Expected(long[] shape, boolean required) {}

  private final Map<String, Expected> expected = new LinkedHashMap<>();

  /** The name of a layer's tensor in the file. */
  static String name(int layer, String tensor) {
    return "blk." + layer + "." + tensor;
  }

  TensorLayout required(String name, long... shape) {
    expected.put(name, new Expected(shape, true));
    return this;
  }

  TensorLayout optional(String name, long... shape) {
    expected.put(name, new Expected(shape, false));
    return this;
  }

  /**
   * Norm, separate projections of queries, keys and values, and the way back; biases where the file
   * has them.
   */
  TensorLayout attention(ModelConfig config) {
    int width = config.embeddingLength();
    Heads heads = config.heads();
    return required("attn_norm.weight", width)
        .required("attn_q.weight", width, heads.queryWidth())
        .required("attn_k.weight", width, heads.keyWidth())
        .required("attn_v.weight", width, heads.valueWidth())
        .required("attn_output.weight", heads.outputWidth(), width)
        .optional("attn_q.bias", heads.queryWidth())
        .optional("attn_k.bias", heads.keyWidth())
        .optional("attn_v.bias", heads.valueWidth())
        .optional("attn_output.bias", width);
  }

  /** A norm of every query head and of every key head. */
  TensorLayout queryKeyNorms(ModelConfig config) {
    int length = config.heads().keyLength();
    return required("attn_q_norm.weight", length).required("attn_k_norm.weight", length);
  }

  /** Norm and gated network; biases where the file has them. */
  TensorLayout feedForward(ModelConfig config) {
    int width = config.embeddingLength();
    int inner = config.feedForwardLength();
    return required("ffn_norm.weight", width)
        .required("ffn_gate.weight", width, inner)
        .required("ffn_up.weight", width, inner)
        .required("ffn_down.weight", inner, width)
        .optional("ffn_gate.bias", inner)
        .optional("ffn_up.bias", inner)
        .optional("ffn_down.bias", width);
  }

  /**
   * Checks every tensor the forward pass will read.
   *
   * @throws ModelFormatException for a missing tensor or a wrong shape
   * @throws UnsupportedModelException for a type that cannot be computed, or a tensor of a layer
   *     that the architecture does not know
   */
  static void check(
      Architecture architecture, ModelConfig config, Map<String, TensorInfo> tensors) {
    int width = config.embeddingLength();
    int vocabulary = config.vocabularySize();
    int pairs = config.rope().pairs();
    TensorLayout global =
        new TensorLayout()
            .required(TOKEN_EMBEDDING, width, vocabulary)
            .required(OUTPUT_NORM, width)
            .optional(OUTPUT, width, vocabulary)
            .optional(OUTPUT_BIAS, vocabulary)
            .optional(ROPE_FREQS, pairs)
            .optional(ROPE_FACTORS_LONG, pairs)
            .optional(ROPE_FACTORS_SHORT, pairs);
    global.check("", tensors);
    TensorLayout layer = new TensorLayout();
    architecture.layer(layer, config);
    for (int i = 0; i < config.layerCount(); i++) {
      layer.check(name(i, ""), tensors);
    }
    refuseUnknown(layer, config, tensors);
  }

  private void check(String prefix, Map<String, TensorInfo> tensors) {
    expected.forEach(
        (name, wanted) -> {
          TensorInfo found = tensors.get(prefix + name);
          if (found != null) {
            checkShape(found, wanted.shape);
            checkType(found, wanted.shape.length);
          } else if (wanted.required) {
            throw new ModelFormatException(
                "tensor "
                    + prefix
                    + name
                    + " is missing, expected shape "
                    + describe(wanted.shape));
          }
        });
  }

  private static void checkShape(TensorInfo found, long[] wanted) {
    List<Long> shape = found.shape();
    boolean equal = shape.size() >= wanted.length;
    for (int i = 0; equal && i < shape.size(); i++) {
      equal = shape.get(i) == (i < wanted.length ? wanted[i] : 1);
    }
    if (!equal) {
      throw new ModelFormatException(
          "tensor " + found.name() + " has shape " + shape + ", expected " + describe(wanted));
    }
  }

  private static void checkType(TensorInfo found, int dimensions) {
    GgmlType type = found.type();
    if (dimensions == 1 && type.blockSize() > 1) {
      throw new UnsupportedModelException(
          "tensor " + found.name() + " has type " + type + "; a vector must be F32, F16 or BF16");
    }
    if (!KernelsLookup.supports(type)) {
      throw new UnsupportedModelException(
          "tensor " + found.name() + " has type " + type + "; supported are " + supportedTypes());
    }
  }

  private static void refuseUnknown(
      TensorLayout layer, ModelConfig config, Map<String, TensorInfo> tensors) {
    for (String name : tensors.keySet()) {
      int dot = name.startsWith("blk.") ? name.indexOf('.', 4) : -1;
      if (dot < 0) {
        continue;
      }
      String tensor = name.substring(dot + 1);
      if (!layer.expected.containsKey(tensor) && !tensor.equals(OLD_ROTATION)) {
        throw new UnsupportedModelException(
            "tensor "
                + name
                + " is not known for architecture "
                + config.architecture()
                + ": computing without it would give wrong answers");
      }
    }
  }

  private static String supportedTypes() {
    List<String> names = new ArrayList<>();
    for (GgmlType type : GgmlType.values()) {
      if (KernelsLookup.supports(type)) {
        names.add(type.name());
      }
    }
    return String.join(", ", names);
  }

  private static String describe(long[] shape) {
    List<Long> dimensions = new ArrayList<>();
    for (long dimension : shape) {
      dimensions.add(dimension);
    }
    return dimensions.toString();
  }
}
