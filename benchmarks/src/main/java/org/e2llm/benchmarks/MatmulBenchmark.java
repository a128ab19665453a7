package org.e2llm.benchmarks;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.kernels.math.KernelsLookup;
import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.SegmentTensor;
import org.e2llm.kernels.math.WorkerTeam;
import org.e2llm.model.GgmlType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One matrix product of a 1.1B Llama (the 5632 x 2048 of its feed-forward), per format: one token,
 * as in decode, and 128, as in prefill. 2 * 5632 * 2048 * tokens operations; divide by the time for
 * FLOP/s, or the bytes of the matrix for the bandwidth of decode.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class MatmulBenchmark {
  private static final int ROWS = 5632;
  private static final int COLUMNS = 2048;

  /**
   * More than the caches of most CPUs hold, in turns: a decoded token finds no weight in a cache.
   */
  private static final int COPIES = 4;

  @Param({"F16", "Q8_0", "Q4_0", "Q4_K", "Q6_K", "Q5_0"})
  public GgmlType type;

  @Param({"1", "128"})
  public int tokens;

  @Param({"1", "2"})
  public int threads;

  private final Kernels kernels = KernelsLookup.kernels();
  private WorkerTeam team;
  private SegmentTensor[] matrices;
  private Scratch[] scratch;
  private float[] x;
  private float[] out;
  private int turn;

  /** Blocks of small numbers: random bits would be infinite scales here and there. */
  @Setup(Level.Trial)
  public void open() {
    team = new WorkerTeam(threads);
    SplittableRandom random = new SplittableRandom(1);
    matrices = new SegmentTensor[COPIES];
    for (int i = 0; i < COPIES; i++) {
      MemorySegment memory = Arena.ofAuto().allocate(ROWS * type.bytes(COLUMNS), 64);
      for (long at = 0; at < memory.byteSize(); at++) {
        memory.set(ValueLayout.JAVA_BYTE, at, (byte) random.nextInt(0x3c));
      }
      matrices[i] = new SegmentTensor("ffn_up." + i, type, ROWS, COLUMNS, memory);
    }
    scratch = new Scratch[threads];
    for (int i = 0; i < threads; i++) {
      scratch[i] = new Scratch();
    }
    x = new float[tokens * COLUMNS];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextDouble(-1, 1);
    }
    out = new float[tokens * ROWS];
  }

  @TearDown(Level.Trial)
  public void close() {
    team.close();
  }

  @Benchmark
  public float[] matmul() {
    turn = (turn + 1) % COPIES;
    team.run(this::share);
    return out;
  }

  private void share(int worker, int workers) {
    kernels.matmul(
        matrices[turn],
        ROWS * worker / workers,
        ROWS * (worker + 1) / workers,
        x,
        0,
        COLUMNS,
        tokens,
        out,
        0,
        ROWS,
        scratch[worker]);
  }
}
