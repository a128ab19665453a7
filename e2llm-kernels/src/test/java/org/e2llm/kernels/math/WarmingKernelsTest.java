package org.e2llm.kernels.math;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.e2llm.model.GgmlType;
import org.junit.jupiter.api.Test;

class WarmingKernelsTest {
  @Test
  void whoeverComputesAPieceTheProductIsTheSame() {
    Random random = new Random(3);
    ScalarKernels reference = new ScalarKernels();
    Kernels warming = new WarmingKernels(new ScalarKernels(), new ScalarKernels());
    byte[] bytes = RandomTensors.bytes(GgmlType.Q8_0, 101, 96, false, random);
    Tensor w = RandomTensors.segment(GgmlType.Q8_0, 101, 96, bytes, 2);
    for (int tokens : new int[] {1, 2, 3, 7, 1, 30}) {
      float[] x = RandomTensors.floats(tokens * 96, random);
      float[] expected = new float[tokens * 101];
      float[] actual = new float[tokens * 101];
      reference.matmul(w, 3, 99, x, 0, 96, tokens, expected, 0, 101, new Scratch());
      warming.matmul(w, 3, 99, x, 0, 96, tokens, actual, 0, 101, new Scratch());
      assertThat(actual).as("%d tokens", tokens).containsExactly(expected);
    }
  }

  @Test
  void everyRowAndTokenIsComputedOnce() {
    AtomicInteger computed = new AtomicInteger();
    Kernels counting =
        (Kernels)
            Proxy.newProxyInstance(
                Kernels.class.getClassLoader(),
                new Class<?>[] {Kernels.class},
                (proxy, method, args) -> {
                  int rows = (int) args[2] - (int) args[1];
                  computed.addAndGet(rows * (int) args[6]);
                  return null;
                });
    Kernels warming = new WarmingKernels(counting, counting);
    Tensor w = RandomTensors.segment(GgmlType.F32, 100, 16, new byte[100 * 64], 0);
    for (int tokens = 1; tokens < 20; tokens++) {
      computed.set(0);
      float[] x = new float[tokens * 16];
      warming.matmul(w, 1, 98, x, 0, 16, tokens, new float[2000], 0, 100, new Scratch());
      assertThat(computed.get()).isEqualTo(97 * tokens);
    }
  }
}
