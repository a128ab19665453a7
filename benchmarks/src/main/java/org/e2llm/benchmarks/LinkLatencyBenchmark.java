package org.e2llm.benchmarks;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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
 * A round trip, two hops, from a thread that computes to another one and back: ours against a bare
 * pair of SSLSockets in the same run. {@code p0.50} and {@code p0.99} are what matters; {@code
 * -prof gc} shows the allocation of both sides together. 8 KiB are the hidden states of one token.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 4, time = 2)
@Fork(2)
public class LinkLatencyBenchmark {
  @Param({"8192"})
  public int bytes;

  /** Between two round trips; a stage computes meanwhile, and threads and cores fall asleep. */
  @Param({"0", "2000"})
  public int pauseMicros;

  /**
   * Both ends compute for so long before they send, as stages do: what is measured has that of the
   * server in it.
   */
  @Param({"0"})
  public int computeMicros;

  /**
   * {@code peersDirect}: the server's net thread echoes, which leaves out one of two hand-overs.
   */
  @Param({"bare", "peers", "peersDirect"})
  public String link;

  private TlsPair pair;

  @Setup
  public void open() throws Exception {
    boolean direct = link.equals("peersDirect");
    pair =
        link.equals("bare")
            ? new TlsPair.Bare(bytes, true, computeMicros)
            : new TlsPair.Peers(bytes, true, direct, computeMicros);
  }

  @Setup(Level.Invocation)
  public void pause() {
    TlsPair.compute(computeMicros);
    if (pauseMicros > 0) {
      LockSupport.parkNanos(pauseMicros * 1000L);
    }
  }

  @TearDown
  public void close() throws Exception {
    pair.close();
  }

  @Benchmark
  public void roundTrip() throws Exception {
    pair.roundTrip();
  }
}
