package org.e2llm.kernels.profile;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.plan.DeviceSpeed;
import org.jspecify.annotations.Nullable;

/**
 * Speed of this device for layers of a shape: remembered, or else measured and remembered. Safe for
 * use by several threads, which wait for one measurement.
 */
public final class DeviceMeter {
  /** Whoever asks sooner for what was not steady gets the same again. */
  private static final long AGAIN_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Kernels kernels;
  private final int threads;
  private final LayerShape shape;
  private final int modelLayers;
  private @Nullable DeviceSpeed speed;
  private boolean settled;
  private long measuredAt;

  /**
   * Measures nothing yet.
   *
   * @param modelLayers layers of the model
   */
  public DeviceMeter(Kernels kernels, int threads, LayerShape shape, int modelLayers) {
    this.kernels = kernels;
    this.threads = threads;
    this.shape = shape;
    this.modelLayers = modelLayers;
  }

  /**
   * What is known, or a measurement on the caller's thread. One whose times had not become steady
   * is made again, but not at once.
   *
   * @param cacheFolder null to keep nothing on disk
   * @param checkpoint called often while it measures; what it throws ends that
   */
  public synchronized DeviceSpeed speed(@Nullable Path cacheFolder, Runnable checkpoint) {
    DeviceSpeed known = speed;
    if (known != null && (settled || System.nanoTime() - measuredAt < AGAIN_NANOS)) {
      return known;
    }
    Machine machine = Machine.read();
    CpuLimits limits = CpuLimits.read();
    String key = key(machine, limits);
    SpeedCache cache = cacheFolder == null ? null : new SpeedCache(cacheFolder);
    DeviceSpeed stored = cache == null ? null : cache.load(key);
    if (stored != null) {
      speed = stored;
      settled = true;
      return stored;
    }
    SpeedTest.Outcome outcome =
        SpeedTest.run(
            kernels,
            threads,
            shape,
            modelLayers,
            machine.cacheBytes(),
            limits.quotaCpus() < threads,
            checkpoint);
    speed = outcome.speed();
    settled = outcome.settled();
    measuredAt = System.nanoTime();
    if (cache != null && settled) {
      cache.store(key, outcome.speed());
    }
    return outcome.speed();
  }

  /**
   * All that the speed depends on. A model of few small layers is another case than a large one.
   */
  String key(Machine machine, CpuLimits limits) {
    return "cpu "
        + machine.cpu()
        + "; quota "
        + limits.quotaCpus()
        + " of cpus "
        + limits.cpus()
        + "; kernels "
        + kernels.name()
        + "; threads "
        + threads
        + "; jvm "
        + System.getProperty("java.vm.name")
        + " "
        + System.getProperty("java.vm.version")
        + "; "
        + shape
        + "; layers "
        + Math.min(modelLayers, Math.max(1, machine.cacheBytes() * 2 / Math.max(1, shape.bytes())));
  }
}
