package org.e2llm.kernels.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.e2llm.model.GgmlType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A matrix product allocates nothing once it is warm: in a JVM of its own for each format, as an
 * app has it that opens a model of that format.
 */
class ProductAllocationTest {
  @ParameterizedTest
  @CsvSource({
    "vector256, F32",
    "vector256, F16",
    "vector256, BF16",
    "vector256, Q8_0",
    "vector256, Q4_0",
    "vector256, Q2_K",
    "vector256, Q3_K",
    "vector256, Q5_K",
    "vector256, Q6_K",
    "vector256, Q5_0",
    "vector256, Q5_1",
    "vector256, IQ4_NL",
    "vector256, IQ4_XS",
    "vector256, Q4_1",
    "vector256, Q4_K",
    "native, F16",
    "native, Q4_0",
    "native, Q4_K",
    "native, Q6_K",
    "scalar, F16",
    "scalar, Q8_0",
    "scalar, Q4_K"
  })
  void settlesWithoutAllocation(String tier, String type) throws Exception {
    List<String> flags = new ArrayList<>(ChildJvm.VECTORS);
    flags.add("-De2llm.kernels=" + tier);
    if (tier.equals("native")) {
      assumeTrue(KernelsLookup.kernels().name().endsWith("+native"), "no machine code here");
      flags.addAll(ChildJvm.NATIVE_ACCESS);
    }
    assertThat(ChildJvm.run(flags, Program.class, type)).contains("settled").endsWith("exit 0");
  }

  /** Multiplies until a batch of calls allocates nothing. */
  static final class Program {
    private static final int BATCHES = 40_000;

    private Program() {}

    public static void main(String[] args) {
      GgmlType type = GgmlType.valueOf(args[0]);
      Kernels kernels = KernelsLookup.kernels();
      Random random = new Random(3);
      int columns = type.blockSize() == 1 ? 172 : 3 * type.blockSize();
      byte[] bytes = RandomTensors.bytes(type, 24, columns, false, random);
      Tensor w = RandomTensors.segment(type, 24, columns, bytes, 2);
      float[] x = RandomTensors.floats(5 * columns, random);
      float[] out = new float[5 * 24];
      Scratch scratch = new Scratch();
      for (int tokens : new int[] {1, 5}) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocated = Long.MAX_VALUE;
        for (int batch = 0; batch < BATCHES && allocated > 0; batch++) {
          long before = threads.getCurrentThreadAllocatedBytes();
          for (int call = 0; call < 50; call++) {
            kernels.matmul(w, 0, 24, x, 0, columns, tokens, out, 0, 24, scratch);
          }
          allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        System.out.println(
            allocated == 0
                ? "settled"
                : tokens + " tokens: still allocates " + allocated / 50 + " bytes a call");
        if (allocated != 0) {
          System.exit(1);
        }
      }
    }
  }
}
