package org.e2llm.benchmarks;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.kernels.math.KernelsLookup;
import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.SegmentTensor;
import org.e2llm.model.GgmlType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One matrix product of a 1.1B Llama on one core: 2048 columns, and as many rows as take 64 MiB, so
 * that one token reads them from memory as generation does; 64 tokens as in prefill.
 *
 * <p>Weights per second = 2048 x rows / time; GFLOP/s = 2 x that x tokens.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
public class MatmulBenchmark {
  private static final int COLUMNS = 2048;
  private static final long BYTES = 64L << 20;

  @Param({"F16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  public GgmlType type;

  @Param({"1", "64"})
  public int tokens;

  private Kernels kernels;
  private SegmentTensor weights;
  private float[] x;
  private float[] out;
  private final Scratch scratch = new Scratch();

  /** Random blocks: their values do not matter for the time, only that they are no NaN. */
  @Setup
  public void fill() {
    kernels = KernelsLookup.kernels();
    int rows = (int) (BYTES / type.bytes(COLUMNS));
    MemorySegment segment = Arena.ofAuto().allocate(rows * type.bytes(COLUMNS), 64);
    Random random = new Random(1);
    for (long at = 0; at < segment.byteSize(); at += 2) {
      segment.set(ValueLayout.JAVA_SHORT, at, (short) (random.nextInt(1 << 12) | 0x2000));
    }
    weights = new SegmentTensor("weights", type, rows, COLUMNS, segment);
    x = new float[tokens * COLUMNS];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    out = new float[tokens * rows];
  }

  @Benchmark
  public float[] matmul() {
    int rows = weights.rows();
    kernels.matmul(weights, 0, rows, x, 0, COLUMNS, tokens, out, 0, rows, scratch);
    return out;
  }
}
