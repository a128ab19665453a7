package org.e2llm.kernels.profile;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.plan.DeviceSpeed;

/**
 * Measures a device: three kinds of passes through sample layers, with one row (bandwidth), few
 * rows (decode) and many (prefill), in turns until the JVM has compiled what they use and times
 * stay as they are; then again for the figures. About a second where the JVM is quick to compile,
 * three on a busy machine, and up to nine where nothing is compiled until then: what is measured of
 * code that is interpreted says nothing of the device.
 */
public final class SpeedTest {
  /**
   * What was found.
   *
   * @param settled whether times had become steady; if not, the figures are too low to be kept
   */
  public record Outcome(DeviceSpeed speed, boolean settled) {}

  private static final Logger LOG = Logger.getLogger(SpeedTest.class.getName());

  private static final int FEW_ROWS = 8;
  private static final int MANY_ROWS = 128;
  private static final int LEAST_MANY_ROWS = 16;

  /** A pass with many rows takes no longer where it can be helped. */
  private static final double PASS_SECONDS = 0.1;

  /** Until kernels are compiled, at most; it takes a fraction of a second where a CPU is free. */
  private static final long SETTLE_NANOS = TimeUnit.SECONDS.toNanos(8);

  private static final long WARM_NANOS = TimeUnit.MILLISECONDS.toNanos(2200);

  /** For times to become steady, once kernels are compiled, however late. */
  private static final long STEADY_NANOS = TimeUnit.MILLISECONDS.toNanos(600);

  private static final long FIGURES_NANOS = TimeUnit.MILLISECONDS.toNanos(350);

  /** Under a limit of CPU time, which is handed out by the tenth of a second. */
  private static final long LIMITED_FIGURES_NANOS = TimeUnit.MILLISECONDS.toNanos(700);

  /** Passes in a row whose times must agree, and by how much. */
  private static final int STEADY_PASSES = 3;

  private static final double STEADY = 1.15;

  /** More of a layer than this is not sampled. */
  private static final long MOST_LAYER_BYTES = 24L << 20;

  /** A pass goes through so many bytes of layers, so that its time can be told. */
  private static final long PASS_BYTES = 8L << 20;

  private static final long LEAST_SAMPLE_BYTES = 4L << 20;
  private static final int WAKES = 15;
  private static final long SLEEP_NANOS = 1_000_000;

  private final LayerSample sample;
  private final Kernels kernels;
  private final LayerShape shape;
  private final Runnable checkpoint;
  private final Times one = new Times();
  private final Times few = new Times();
  private final Times many = new Times();
  private final int layers;
  private int manyRows = LEAST_MANY_ROWS;

  private SpeedTest(LayerSample sample, Kernels kernels, LayerShape shape, Runnable checkpoint) {
    this.sample = sample;
    this.kernels = kernels;
    this.shape = shape;
    this.checkpoint = checkpoint;
    // Passes go on where the last one ended, so that the next layer is out of the caches again.
    layers = (int) Math.max(1, Math.min(sample.count(), PASS_BYTES / sample.bytes()));
  }

  /**
   * Measures, on the caller's thread and a team of its own.
   *
   * @param modelLayers layers of the model: no more are sampled, so that a model that fits the
   *     caches is measured in them
   * @param cacheBytes of the largest CPU cache; twice as many bytes of weights take turns
   * @param limited whether the process has a limit of CPU time: then what counts is the mean, with
   *     the pauses it brings; else the quicker quartile, since what slows down single passes is
   *     mostly other work that will be gone
   * @param checkpoint called between passes; what it throws ends the test
   */
  public static Outcome run(
      Kernels kernels,
      int threads,
      LayerShape shape,
      int modelLayers,
      long cacheBytes,
      boolean limited,
      Runnable checkpoint) {
    long start = System.nanoTime();
    long limit = 2 * cacheBytes;
    while (true) {
      try (LayerSample sample = sample(kernels, threads, shape, modelLayers, limit)) {
        SpeedTest test = new SpeedTest(sample, kernels, shape, checkpoint);
        boolean settled = test.warm(start);
        DeviceSpeed speed = test.figures(limited);
        LOG.log(
            Level.CONFIG,
            "this device, {0} threads, {1}: {2}, measured in {3} ms{4}",
            new Object[] {
              threads,
              shape.type(),
              speed,
              TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start),
              settled ? "" : ", not steady yet"
            });
        return new Outcome(speed, settled);
      } catch (OutOfMemoryError e) {
        limit /= 2;
        if (limit < LEAST_SAMPLE_BYTES) {
          throw e;
        }
      }
    }
  }

  private static LayerSample sample(
      Kernels kernels, int threads, LayerShape shape, int modelLayers, long limit) {
    double share = Math.min(1, (double) Math.min(MOST_LAYER_BYTES, limit) / shape.bytes());
    double layerBytes = share * shape.bytes();
    int count = (int) Math.max(1, Math.min(modelLayers, Math.ceil(limit / layerBytes)));
    return new LayerSample(kernels, threads, shape, share, count, MANY_ROWS);
  }

  /** Until times are steady, or it has taken too long; whether they are. */
  private boolean warm(long start) {
    while (!isSettled() && System.nanoTime() - start < SETTLE_NANOS) {
      pass(one, 1);
      pass(few, FEW_ROWS);
    }
    one.clear();
    few.clear();
    long end = Math.max(start + WARM_NANOS, System.nanoTime() + STEADY_NANOS);
    while (System.nanoTime() - end < 0) {
      turn();
      // As many rows as can be had in the time, by the pace of few.
      double perRow = few.last() / FEW_ROWS / layers;
      int affordable = (int) Math.min(MANY_ROWS, PASS_SECONDS / perRow);
      if (affordable >= 2 * manyRows || manyRows > 2 * affordable) {
        manyRows = Math.max(LEAST_MANY_ROWS, affordable / LEAST_MANY_ROWS * LEAST_MANY_ROWS);
        many.clear();
      }
      if (one.steady() && few.steady() && many.steady()) {
        return isSettled();
      }
    }
    return false;
  }

  private boolean isSettled() {
    return kernels.isSettled(shape.type(), 1) && kernels.isSettled(shape.type(), FEW_ROWS);
  }

  private void turn() {
    pass(one, 1);
    pass(few, FEW_ROWS);
    pass(many, manyRows);
  }

  private void pass(Times times, int rows) {
    checkpoint.run();
    long start = System.nanoTime();
    sample.forward(rows, layers);
    times.add(System.nanoTime() - start);
  }

  private DeviceSpeed figures(boolean limited) {
    one.clear();
    few.clear();
    many.clear();
    long start = System.nanoTime();
    do {
      turn();
    } while (System.nanoTime() - start < (limited ? LIMITED_FIGURES_NANOS : FIGURES_NANOS));
    double bytes = (double) layers * sample.bytes();
    double flops = 2.0 * layers * sample.parameters();
    return new DeviceSpeed(
        manyRows * flops / many.typical(limited),
        FEW_ROWS * flops / few.typical(limited),
        bytes / one.typical(limited),
        wakeSeconds(),
        hasFma());
  }

  /** A step comes out of a pause, in which the team has fallen asleep. */
  private double wakeSeconds() {
    Times wakes = new Times();
    for (int i = 0; i < WAKES; i++) {
      checkpoint.run();
      LockSupport.parkNanos(SLEEP_NANOS);
      long start = System.nanoTime();
      sample.wake();
      wakes.add(System.nanoTime() - start);
    }
    return wakes.typical(false);
  }

  /** Without it, the JVM computes a fused multiply-add by arithmetic of big numbers. */
  private static boolean hasFma() {
    Times times = new Times();
    float sum = 1;
    for (int round = 0; round < 20; round++) {
      long start = System.nanoTime();
      for (int i = 0; i < 1000; i++) {
        sum = Math.fma(sum, 0.999f, 0.001f);
      }
      times.add(System.nanoTime() - start);
    }
    return sum > 0 && times.typical(false) / 1000 < 50e-9;
  }

  /** The times of one kind of pass. */
  private static final class Times {
    private long[] nanos = new long[64];
    private int count;

    void add(long time) {
      if (count == nanos.length) {
        nanos = Arrays.copyOf(nanos, 2 * count);
      }
      nanos[count++] = Math.max(1, time);
    }

    void clear() {
      count = 0;
    }

    /** Seconds of the last pass. */
    double last() {
      return nanos[count - 1] / 1e9;
    }

    /** Whether the last passes took much the same, and no more than those before them. */
    boolean steady() {
      if (count < 2 * STEADY_PASSES) {
        return false;
      }
      long before = median(count - 2 * STEADY_PASSES, count - STEADY_PASSES);
      long now = median(count - STEADY_PASSES, count);
      return now <= STEADY * before && before <= STEADY * now;
    }

    /** Seconds. */
    double typical(boolean mean) {
      if (mean) {
        return Arrays.stream(nanos, 0, count).average().orElse(1) / 1e9;
      }
      return quantile(0, count, 4) / 1e9;
    }

    private long median(int from, int to) {
      return quantile(from, to, 2);
    }

    private long quantile(int from, int to, int parts) {
      long[] sorted = Arrays.copyOfRange(nanos, from, to);
      Arrays.sort(sorted);
      return sorted[sorted.length / parts];
    }
  }
}
