package org.e2llm.kernels.profile;

import static org.assertj.core.api.Assertions.assertThat;

import org.e2llm.kernels.gguf.WeightSlice;
import org.e2llm.kernels.math.ScalarKernels;
import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.model.GgmlType;
import org.junit.jupiter.api.Test;

class SampleMemoryTest {
  private static final int ROWS = 7;
  private static final int COLUMNS = 1024;

  @Test
  void weightsOfAllTypesAreOrdinaryNumbers() {
    try (SampleMemory segments = SampleMemory.open();
        SampleMemory buffers = new SampleMemory.Buffers()) {
      assertThat(segments).isNotInstanceOf(SampleMemory.Buffers.class);
      for (GgmlType type : WeightSlice.COMPUTED) {
        assertOrdinary(segments.tensor(type, ROWS, COLUMNS));
        assertOrdinary(buffers.tensor(type, ROWS, COLUMNS));
      }
    }
  }

  private static void assertOrdinary(Tensor tensor) {
    float[] row = new float[COLUMNS];
    int zeros = 0;
    for (int r = 0; r < ROWS; r++) {
      new ScalarKernels().dequantizeRow(tensor, r, row, 0, new Scratch());
      for (float weight : row) {
        assertThat(Math.abs(weight)).as("%s", tensor.type()).isLessThan(1e6f);
        assertThat(weight == 0 || Math.abs(weight) >= Float.MIN_NORMAL).isTrue();
        zeros += weight == 0 ? 1 : 0;
      }
    }
    assertThat(zeros).as("%s", tensor.type()).isLessThan(ROWS * COLUMNS / 2);
  }
}
