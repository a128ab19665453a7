package org.e2llm.kernels.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.kernels.math.KernelsLookup;
import org.e2llm.kernels.math.ScalarKernels;
import org.e2llm.model.GgmlType;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.DeviceSpeed;
import org.e2llm.plan.Nic;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeviceMeterTest {
  private static final Kernels KERNELS = KernelsLookup.kernels();
  private static final LayerShape SMALL = new LayerShape(GgmlType.Q8_0, 256, 384, 256, 704);
  private static final Machine MACHINE = new Machine("cpu", 32 << 20);
  private static final CpuLimits FREE = new CpuLimits(Double.POSITIVE_INFINITY, "0-1");

  @Test
  void measuresFiguresThatMakeAProfile() {
    DeviceSpeed speed = new DeviceMeter(KERNELS, 1, SMALL, 4).speed(null, () -> {});
    DeviceProfile profile = speed.profile("id", "laptop", 1L << 30, Nic.WIFI);
    assertThat(List.of(profile.prefillFlops(), profile.decodeFlops(), profile.memoryBandwidth()))
        .allMatch(figure -> figure > 0 && Double.isFinite(figure));
    assertThat(profile.stepSeconds()).isNotNegative().isFinite();
    assertThat(profile.memoryBytes()).isEqualTo(1L << 30);
  }

  @Test
  void measuresTypesWhoseBlocksDoNotFillTheRowsAndLayersThatAreTooLargeToSample() {
    LayerShape odd = new LayerShape(GgmlType.Q4_K, 100, 50, 100, 300);
    SpeedTest.Outcome small = SpeedTest.run(KERNELS, 2, odd, 1, 1 << 20, true, () -> {});
    assertThat(small.speed().memoryBandwidth()).isPositive();
    LayerShape huge = new LayerShape(GgmlType.F16, 8192, 10240, 8192, 28672);
    SpeedTest.Outcome large = SpeedTest.run(KERNELS, 2, huge, 80, 1 << 20, false, () -> {});
    assertThat(large.speed().memoryBandwidth()).isPositive();
  }

  @Test
  void figuresWaitUntilKernelsAreCompiled() {
    long compiled = System.nanoTime() + 3_000_000_000L; // when measuring has long ended otherwise
    AtomicInteger since = new AtomicInteger();
    Kernels late =
        (Kernels)
            Proxy.newProxyInstance(
                Kernels.class.getClassLoader(),
                new Class<?>[] {Kernels.class},
                (proxy, method, arguments) -> {
                  boolean now = System.nanoTime() - compiled >= 0;
                  if (method.getName().equals("isSettled")) {
                    return now;
                  }
                  since.addAndGet(now ? 1 : 0);
                  return method.invoke(KERNELS, arguments);
                });
    SpeedTest.Outcome outcome = SpeedTest.run(late, 1, SMALL, 4, 1 << 20, false, () -> {});
    assertThat(outcome.speed().memoryBandwidth()).isPositive();
    assertThat(since).hasPositiveValue();
  }

  @Test
  void remembersInItsFolderAndInItsLife(@TempDir Path folder) {
    AtomicInteger passes = new AtomicInteger();
    DeviceMeter meter = new DeviceMeter(KERNELS, 1, SMALL, 4);
    String key = meter.key(Machine.read(), CpuLimits.read());
    DeviceSpeed stored = new DeviceSpeed(1, 2, 3, 4, true);
    new SpeedCache(folder).store(key, stored);
    assertThat(meter.speed(folder, passes::incrementAndGet)).isEqualTo(stored);
    assertThat(meter.speed(null, passes::incrementAndGet)).isEqualTo(stored);
    assertThat(passes).hasValue(0);

    DeviceMeter other = new DeviceMeter(KERNELS, 2, SMALL, 4);
    DeviceSpeed measured = other.speed(folder, passes::incrementAndGet);
    int needed = passes.get();
    assertThat(needed).isPositive();
    assertThat(other.speed(folder, passes::incrementAndGet)).isEqualTo(measured);
    assertThat(passes).hasValue(needed);
  }

  @Test
  void theKeyTellsApartWhatChangesTheSpeed() {
    Set<String> keys = new HashSet<>();
    keys.add(new DeviceMeter(KERNELS, 1, SMALL, 4).key(MACHINE, FREE));
    keys.add(new DeviceMeter(KERNELS, 2, SMALL, 4).key(MACHINE, FREE));
    keys.add(new DeviceMeter(new ScalarKernels(), 1, SMALL, 4).key(MACHINE, FREE));
    keys.add(new DeviceMeter(KERNELS, 1, SMALL, 4).key(MACHINE, new CpuLimits(0.5, "0-1")));
    keys.add(new DeviceMeter(KERNELS, 1, SMALL, 4).key(MACHINE, new CpuLimits(1, "0")));
    keys.add(new DeviceMeter(KERNELS, 1, SMALL, 4).key(new Machine("other", 32 << 20), FREE));
    LayerShape otherType = new LayerShape(GgmlType.Q4_0, 256, 384, 256, 704);
    keys.add(new DeviceMeter(KERNELS, 1, otherType, 4).key(MACHINE, FREE));
    keys.add(new DeviceMeter(KERNELS, 1, SMALL, 5).key(MACHINE, FREE));
    assertThat(keys).hasSize(8);
    assertThat(keys).contains(new DeviceMeter(KERNELS, 1, SMALL, 4).key(MACHINE, FREE));
    LayerShape large = new LayerShape(GgmlType.Q8_0, 4096, 6144, 4096, 14336);
    assertThat(new DeviceMeter(KERNELS, 1, large, 32).key(MACHINE, FREE))
        .as("beyond the caches, depth changes nothing")
        .isEqualTo(new DeviceMeter(KERNELS, 1, large, 64).key(MACHINE, FREE));
  }

  @Test
  void whatTheCheckpointThrowsEndsItAndNothingIsKept(@TempDir Path folder) throws Exception {
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    DeviceMeter meter = new DeviceMeter(KERNELS, 3, SMALL, 4);
    assertThatThrownBy(
            () ->
                meter.speed(
                    folder,
                    () -> {
                      throw new IllegalStateException("enough");
                    }))
        .hasMessage("enough");
    assertThat(folder).isEmptyDirectory();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (!before.contains(thread) && thread.getName().startsWith("e2llm-worker")) {
        thread.join(10_000);
        assertThat(thread.isAlive()).isFalse();
      }
    }
  }
}
