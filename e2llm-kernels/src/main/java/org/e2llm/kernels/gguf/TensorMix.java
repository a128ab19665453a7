package org.e2llm.kernels.gguf;

import java.util.List;
import java.util.Locale;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.GgmlType;

/**
 * Which type each tensor of a quantised model gets, as the reference engine decides it.
 *
 * <p>Source: {@code llama_tensor_get_type} and {@code tensor_type_fallback} in llama-quant.cpp.
 *
 * @param name as users know it, such as {@code Q4_K_M}
 * @param base type of most matrices
 * @param fileType {@code general.file_type}
 */
record TensorMix(String name, GgmlType base, int fileType) {
  private static final List<TensorMix> ALL =
      List.of(
          new TensorMix("Q4_0", GgmlType.Q4_0, 2),
          new TensorMix("Q8_0", GgmlType.Q8_0, 7),
          new TensorMix("F16", GgmlType.F16, 1),
          new TensorMix("Q4_K_M", GgmlType.Q4_K, 15));

  static TensorMix of(String name) {
    for (TensorMix mix : ALL) {
      if (mix.name().equals(name.toUpperCase(Locale.ROOT))) {
        return mix;
      }
    }
    throw new InvalidRequestException(
        "no synthetic type " + name + "; there are Q4_0, Q8_0, F16 and Q4_K_M");
  }

  /**
   * The type of a matrix.
   *
   * @param tied whether the embedding is the output too
   */
  GgmlType typeOf(String tensor, long columns, int layers, boolean tied) {
    if (base == GgmlType.F16) {
      return base;
    }
    GgmlType type = base;
    if (tensor.equals("output.weight") || (tied && tensor.equals("token_embd.weight"))) {
      boolean whole = columns % base.blockSize() == 0;
      type = whole && base != GgmlType.Q8_0 ? GgmlType.Q6_K : GgmlType.Q8_0;
    } else if (base == GgmlType.Q4_K
        && (tensor.endsWith("attn_v.weight") || tensor.endsWith("ffn_down.weight"))
        && usesMoreBits(layer(tensor), layers)) {
      type = GgmlType.Q6_K;
    }
    return fallback(type, columns);
  }

  /** The first and last eighth of the layers, and every third between. */
  private static boolean usesMoreBits(int layer, int layers) {
    return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
  }

  private static int layer(String tensor) {
    return Integer.parseInt(tensor.split("\\.", 3)[1]);
  }

  /** What stands in for a type whose blocks do not fill the rows. */
  private static GgmlType fallback(GgmlType type, long columns) {
    if (columns % type.blockSize() == 0) {
      return type;
    }
    return type == GgmlType.Q4_K ? GgmlType.Q5_0 : GgmlType.Q8_0;
  }
}
