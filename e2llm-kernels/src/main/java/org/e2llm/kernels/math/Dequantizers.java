package org.e2llm.kernels.math;

import org.e2llm.model.GgmlType;
import org.jspecify.annotations.Nullable;

/** Which dequantiser belongs to which type. */
final class Dequantizers {
  static final @Nullable Dequantizer[] TABLE = new Dequantizer[GgmlType.values().length];

  static {
    put(GgmlType.F32, FloatFormats::f32);
    put(GgmlType.F16, FloatFormats::f16);
    put(GgmlType.BF16, FloatFormats::bf16);
    put(GgmlType.Q8_0, BlockFormats::q8_0);
    put(GgmlType.Q4_0, BlockFormats::q4_0);
    put(GgmlType.Q4_1, BlockFormats::q4_1);
    put(GgmlType.Q5_0, BlockFormats::q5_0);
    put(GgmlType.Q5_1, BlockFormats::q5_1);
    put(GgmlType.IQ4_NL, BlockFormats::iq4_nl);
    put(GgmlType.Q2_K, SuperBlockFormats::q2_k);
    put(GgmlType.Q3_K, SuperBlockFormats::q3_k);
    put(GgmlType.Q4_K, SuperBlockFormats::q4_k);
    put(GgmlType.Q5_K, SuperBlockFormats::q5_k);
    put(GgmlType.Q6_K, SuperBlockFormats::q6_k);
    put(GgmlType.IQ4_XS, SuperBlockFormats::iq4_xs);
  }

  private Dequantizers() {}

  private static void put(GgmlType type, Dequantizer dequantizer) {
    TABLE[type.ordinal()] = dequantizer;
  }
}
