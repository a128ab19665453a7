package org.e2llm.kernels.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import org.e2llm.kernels.math.ChildJvm;
import org.e2llm.kernels.math.KernelsLookup;
import org.e2llm.model.KvType;
import org.e2llm.pipeline.Batch.Logits;
import org.e2llm.pipeline.Batch.Slice;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A whole step of a warm model, on vector kernels, allocates what does not grow with the model: the
 * batch and its output, no vector and no buffer.
 */
class DecodeAllocationTest {
  private static final long MOST_BYTES = 2048;

  @ParameterizedTest
  @ValueSource(strings = {"stories260K-F16.gguf", "stories260K-Q8_0.gguf", "stories260K-Q4_0.gguf"})
  void aWarmStepAllocatesNothingThatGrowsWithTheModel(String model) throws Exception {
    String path = Golden.resource(model).toString();
    assertThat(ChildJvm.run(ChildJvm.VECTORS, Program.class, path))
        .contains("vector")
        .contains("settled")
        .endsWith("exit 0");
  }

  /** Decodes until a batch of steps allocates no more than that. */
  static final class Program {
    private static final int BATCHES = 400;
    private static final int STEPS = 50;

    private Program() {}

    public static void main(String[] args) {
      System.out.println(KernelsLookup.kernels().name());
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      try (Chain chain = new Chain(Path.of(args[0]), KernelsLookup.kernels(), 1, 256, KvType.F16);
          Chain.Session session = chain.open(1)) {
        session.feed(new int[100], 100);
        int[] token = {5};
        long perStep = Long.MAX_VALUE;
        for (int batch = 0; batch < BATCHES && perStep > MOST_BYTES; batch++) {
          session.parts.forEach(part -> part.truncate(100));
          long before = threads.getCurrentThreadAllocatedBytes();
          for (int i = 0; i < STEPS; i++) {
            chain.forward(List.of(new Slice(1, 0, 100 + i, 1, Logits.LAST)), token);
          }
          perStep = (threads.getCurrentThreadAllocatedBytes() - before) / STEPS;
        }
        System.out.println(
            perStep <= MOST_BYTES ? "settled" : "still " + perStep + " bytes a step");
        System.exit(perStep <= MOST_BYTES ? 0 : 1);
      }
    }
  }
}
