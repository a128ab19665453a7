package org.e2llm.benchmarks;

import java.util.concurrent.TimeUnit;
import org.e2llm.transport.net.ConnectionStats;
import org.openjdk.jmh.annotations.AuxCounters;
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
 * Bytes one way as fast as they go, 32 MiB per operation: ours against a bare pair of SSLSockets in
 * the same run. Of ours, {@code frameBytes} and {@code wireBytes} are what went over the link per
 * operation before and after encryption, {@code frames} their number. {@code -prof gc} shows
 * allocation.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 5, time = 3)
@Fork(1)
public class LinkThroughputBenchmark {
  private static final int TOTAL = 32 << 20;

  @Param({"8192", "65536", "1048576"})
  public int bytes;

  @Param({"bare", "peers"})
  public String link;

  private TlsPair pair;

  /** Of our connection, per second as JMH counts. */
  @AuxCounters
  @State(Scope.Thread)
  public static class Moved {
    public long frames;
    public long frameBytes;
    public long wireBytes;

    @Setup(Level.Iteration)
    public void clear() {
      frames = 0;
      frameBytes = 0;
      wireBytes = 0;
    }
  }

  @Setup
  public void open() throws Exception {
    pair =
        link.equals("bare")
            ? new TlsPair.Bare(bytes, false, 0)
            : new TlsPair.Peers(bytes, false, false, 0);
  }

  @TearDown
  public void close() throws Exception {
    pair.close();
  }

  @Benchmark
  public void stream(Moved moved) throws Exception {
    ConnectionStats before = stats();
    pair.stream(TOTAL / bytes);
    ConnectionStats after = stats();
    if (before != null && after != null) {
      moved.frames += after.framesSent() - before.framesSent();
      moved.frameBytes += after.bytesSent() - before.bytesSent();
      moved.wireBytes += after.wireBytesSent() - before.wireBytesSent();
    }
  }

  private ConnectionStats stats() {
    return pair instanceof TlsPair.Peers peers ? peers.stats() : null;
  }
}
