package org.e2llm.kernels.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Proxy;
import java.util.Random;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.kernels.math.KernelsLookup;
import org.e2llm.kernels.math.ScalarKernels;
import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.SegmentTensor;
import org.e2llm.model.GgmlType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Bits are compared by {@code VectorKernelsTest}, with these kernels where they can run. */
class MachineKernelsTest {
  private final Kernels kernels = KernelsLookup.kernels();

  @BeforeEach
  void onlyWhereMachineCodeRuns() {
    assumeTrue(kernels.name().endsWith("+native"), () -> KernelsLookup.reasons().toString());
  }

  @Test
  void isThereForTheTypesOfCommonFiles() {
    Functions functions = new Functions();
    try (Arena arena = Arena.ofConfined()) {
      for (GgmlType type :
          new GgmlType[] {
            GgmlType.F16, GgmlType.Q8_0, GgmlType.Q4_0, GgmlType.Q4_K, GgmlType.Q6_K
          }) {
        assertThat(functions.takes(tensor(type, arena))).as(type.name()).isTrue();
      }
    }
  }

  @Test
  void onlyWhatIsMachineCodeNeedsNoWarmingUp() {
    Kernels cold =
        (Kernels)
            Proxy.newProxyInstance(
                Kernels.class.getClassLoader(),
                new Class<?>[] {Kernels.class},
                (proxy, method, arguments) -> method.getName().equals("isSettled") ? false : null);
    MachineKernels machine = new MachineKernels(cold);
    assertThat(machine.isSettled(GgmlType.Q4_0, 1)).isTrue();
    assertThat(machine.isSettled(GgmlType.Q4_0, 16)).isTrue();
    assertThat(machine.isSettled(GgmlType.Q2_K, 1)).isFalse();
  }

  @ParameterizedTest
  @EnumSource(
      value = GgmlType.class,
      names = {"F16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void treatsScalesThatAreNoNumbersAsTheReferenceDoes(GgmlType type) {
    try (Arena arena = Arena.ofConfined()) {
      SegmentTensor w = tensor(type, arena);
      w.segment().fill((byte) 0x7c); // halves of 0x7c7c are NaN
      assertSame(w);
      w.segment().fill((byte) 0);
      for (long at = 1; at < w.segment().byteSize(); at += 2) {
        w.segment().set(ValueLayout.JAVA_BYTE, at, (byte) 0xfc); // -infinity
      }
      assertSame(w);
      w.segment().fill((byte) 0x80); // the smallest negative halves
      assertSame(w);
    }
  }

  /** More rows than are collected at a time, fewer than a panel has, and what is left over. */
  @ParameterizedTest
  @EnumSource(
      value = GgmlType.class,
      names = {"F16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void severalTokensGiveWhatEachGivesAlone(GgmlType type) {
    int rows = 263;
    int columns = 2304; // two panels, and some
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(rows * type.bytes(columns), 64);
      Random random = new Random(7);
      Scratch scratch = new Scratch();
      for (long at = 0; at + 1 < memory.byteSize(); at += 2) {
        short half = (short) (random.nextInt() & 0xbbff); // no half that is infinite or NaN
        memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, half);
      }
      SegmentTensor w = new SegmentTensor("test." + type, type, rows, columns, memory);
      for (int tokens : new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 30}) {
        int stride = columns + 3;
        float[] x = new float[2 + tokens * stride];
        for (int i = 0; i < x.length; i++) {
          x[i] = random.nextFloat() - 0.5f;
        }
        float[] expected = new float[1 + tokens * (rows + 2)];
        float[] actual = expected.clone();
        for (int from : new int[] {2, rows - 3}) {
          new ScalarKernels()
              .matmul(w, from, rows, x, 2, stride, tokens, expected, 1, rows + 2, new Scratch());
          kernels.matmul(w, from, rows, x, 2, stride, tokens, actual, 1, rows + 2, scratch);
          assertThat(actual).as("%s tokens from row %s", tokens, from).isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void refusesRowsThatTheMatrixHasNot() {
    try (Arena arena = Arena.ofConfined()) {
      SegmentTensor w = tensor(GgmlType.Q4_0, arena);
      float[] x = new float[w.columns()];
      float[] out = new float[16];
      assertThatThrownBy(() -> kernels.matmul(w, 0, 8, x, 0, 256, 1, out, 0, 8, new Scratch()))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessageContaining("which has 7");
    }
  }

  @Test
  void refusesWeightsThatAreNoLongerMapped() {
    SegmentTensor w;
    try (Arena arena = Arena.ofShared()) {
      w = tensor(GgmlType.Q4_0, arena);
    }
    float[] x = new float[w.columns()];
    assertThatThrownBy(
            () -> kernels.matmul(w, 0, 7, x, 0, 256, 1, new float[7], 0, 7, new Scratch()))
        .isInstanceOf(IllegalStateException.class);
  }

  private void assertSame(SegmentTensor w) {
    float[] x = new float[w.columns()];
    for (int i = 0; i < x.length; i++) {
      x[i] = i % 5 - 2;
    }
    float[] expected = new float[7];
    float[] actual = new float[7];
    new ScalarKernels().matmul(w, 0, 7, x, 0, x.length, 1, expected, 0, 7, new Scratch());
    kernels.matmul(w, 0, 7, x, 0, x.length, 1, actual, 0, 7, new Scratch());
    assertThat(actual).isEqualTo(expected);
  }

  private static SegmentTensor tensor(GgmlType type, Arena arena) {
    MemorySegment memory = arena.allocate(7 * type.bytes(256), 64);
    return new SegmentTensor("test." + type, type, 7, 256, memory);
  }
}
