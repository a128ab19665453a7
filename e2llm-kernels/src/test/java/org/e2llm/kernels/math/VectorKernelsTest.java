package org.e2llm.kernels.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.stream.Stream;
import org.e2llm.model.GgmlType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernels of this machine against the scalar ones; other widths: {@link KernelWidthsTest}. */
class VectorKernelsTest {
  private static final int ROUNDS = 60;

  private final Kernels kernels = KernelsLookup.kernels();

  static Stream<GgmlType> types() {
    return Stream.of(RandomTensors.TYPES);
  }

  @ParameterizedTest
  @MethodSource("types")
  void widensEveryFormatToTheSameBits(GgmlType type) {
    agree(parity -> parity.dequantization(type));
  }

  @ParameterizedTest
  @MethodSource("types")
  void multipliesEveryFormatToTheSameBits(GgmlType type) {
    agree(parity -> parity.products(type));
  }

  @Test
  void computesElementwiseToTheSameBits() {
    agree(KernelParity::elementwise);
  }

  @Test
  void rotatesToTheSameBits() {
    agree(KernelParity::rotations);
  }

  @Test
  void attendsToTheSameBits() {
    agree(KernelParity::attention);
  }

  @Test
  void convertsHalvesToTheSameBits() {
    agree(KernelParity::halves);
  }

  @Test
  void widensEveryHalfAsTheJdkDoes() {
    short[] halves = new short[1 << 16];
    for (int i = 0; i < halves.length; i++) {
      halves[i] = (short) i;
    }
    float[] floats = new float[halves.length];
    kernels.halfToFloat(halves, 0, floats, 0, floats.length);
    for (int i = 0; i < halves.length; i++) {
      assertThat((Float) floats[i]).isEqualTo((Float) Float.float16ToFloat((short) i));
    }
  }

  private interface Check {
    void on(KernelParity parity);
  }

  private void agree(Check check) {
    assertThatCode(
            () -> {
              for (int round = 0; round < ROUNDS; round++) {
                check.on(new KernelParity(kernels, round));
              }
            })
        .doesNotThrowAnyException();
  }
}
