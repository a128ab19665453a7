package org.e2llm.kernels.math;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.e2llm.model.GgmlType;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** How the work is cut never shows in the result, and nothing is allocated for it. */
class KernelInvarianceTest {
  private final Kernels kernels = KernelsLookup.kernels();

  @Property(tries = 60)
  void productsDoNotDependOnHowRowsAndTokensAreCut(
      @ForAll @IntRange(min = 0, max = 14) int type,
      @ForAll @IntRange(min = 1, max = 20) int rows,
      @ForAll @IntRange(min = 1, max = 12) int tokens,
      @ForAll Random random) {
    Tensor w = tensor(RandomTensors.TYPES[type], rows, random);
    int n = w.columns();
    float[] x = RandomTensors.floats(tokens * n, random);
    float[] whole = new float[tokens * rows];
    float[] cut = new float[tokens * rows];
    Scratch scratch = new Scratch();
    kernels.matmul(w, 0, rows, x, 0, n, tokens, whole, 0, rows, scratch);
    for (int t = 0; t < tokens; ) {
      int count = 1 + random.nextInt(tokens - t);
      for (int r = 0; r < rows; ) {
        int to = r + 1 + random.nextInt(rows - r);
        kernels.matmul(w, r, to, x, t * n, n, count, cut, t * rows, rows, scratch);
        r = to;
      }
      t += count;
    }
    assertThat(cut).isEqualTo(whole);
  }

  @Test
  void productsDoNotDependOnTheNumberOfThreads() {
    Random random = new Random(7);
    Tensor w = tensor(GgmlType.Q4_K, 101, random);
    int n = w.columns();
    float[] x = RandomTensors.floats(5 * n, random);
    float[] expected = new float[5 * 101];
    kernels.matmul(w, 0, 101, x, 0, n, 5, expected, 0, 101, new Scratch());
    for (int threads = 1; threads <= 4; threads++) {
      float[] out = new float[5 * 101];
      try (WorkerTeam team = new WorkerTeam(threads)) {
        team.run(
            (worker, workers) ->
                kernels.matmul(
                    w,
                    101 * worker / workers,
                    101 * (worker + 1) / workers,
                    x,
                    0,
                    n,
                    5,
                    out,
                    0,
                    101,
                    new Scratch()));
      }
      assertThat(out).as("%d threads", threads).isEqualTo(expected);
    }
  }

  @TestFactory
  Stream<DynamicTest> everythingElseAllocatesNothingOnceWarm() {
    float[] x = RandomTensors.floats(1000, new Random(1));
    float[] y = RandomTensors.floats(1000, new Random(2));
    short[] half = new short[1000];
    Scratch scratch = new Scratch();
    Map<String, Runnable> operations = new LinkedHashMap<>();
    operations.put("rmsNorm", () -> kernels.rmsNorm(x, 0, y, 999, 1e-5f, x, 0));
    operations.put("add", () -> kernels.add(x, 0, y, 0, 999));
    operations.put("scale", () -> kernels.scale(x, 0, 0.5f, 999));
    operations.put("siluMultiply", () -> kernels.siluMultiply(x, 0, y, 0, 999, scratch));
    operations.put("geluMultiply", () -> kernels.geluMultiply(x, 0, y, 0, 999, scratch));
    operations.put("rotate halves", () -> kernels.rotate(x, 0, y, y, 0, 37, true));
    operations.put("rotate neighbours", () -> kernels.rotate(x, 0, y, y, 0, 37, false));
    operations.put("scores", () -> kernels.attentionScores(y, 0, y, 0, 70, 13, 70, 1f, x, 0));
    operations.put("softmax", () -> kernels.softmax(x, 3, 700, 5));
    operations.put("values", () -> kernels.attentionValues(y, 0, y, 0, 70, 13, 70, x, 0));
    operations.put("floatToHalf", () -> kernels.floatToHalf(y, 0, half, 0, 999));
    operations.put("halfToFloat", () -> kernels.halfToFloat(half, 0, x, 0, 999));
    return operations.entrySet().stream()
        .map(
            operation ->
                DynamicTest.dynamicTest(
                    operation.getKey(),
                    () -> assertThat(settlesWithoutAllocation(operation.getValue())).isTrue()));
  }

  /**
   * Vectors live on the heap until the code is compiled; so calls are made in batches until one
   * batch allocates nothing, for as many as any compiler should need.
   */
  private static boolean settlesWithoutAllocation(Runnable call) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (int batch = 0; batch < 4000; batch++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 50; i++) {
        call.run();
      }
      if (threads.getCurrentThreadAllocatedBytes() == before) {
        return true;
      }
    }
    return false;
  }

  @Test
  void paddingAroundTheResultIsLeftAlone() {
    Tensor w = tensor(GgmlType.Q8_0, 7, new Random(4));
    float[] out = new float[3 * 9];
    Arrays.fill(out, 42f);
    float[] x = RandomTensors.floats(3 * w.columns(), new Random(5));
    kernels.matmul(w, 2, 5, x, 0, w.columns(), 3, out, 0, 9, new Scratch());
    for (int i = 0; i < out.length; i++) {
      boolean written = i % 9 >= 2 && i % 9 < 5;
      assertThat(out[i] != 42f).as("element %d", i).isEqualTo(written);
    }
  }

  private static Tensor tensor(GgmlType type, int rows, Random random) {
    int columns = type.blockSize() == 1 ? 172 : 3 * type.blockSize();
    byte[] bytes = RandomTensors.bytes(type, rows, columns, false, random);
    return RandomTensors.segment(type, rows, columns, bytes, 2);
  }
}
