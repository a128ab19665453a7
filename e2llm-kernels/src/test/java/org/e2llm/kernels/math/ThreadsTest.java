package org.e2llm.kernels.math;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ThreadsTest {
  @TempDir Path cpus;

  @Test
  void theDefaultIsNoMoreThanTheJvmMayUse() {
    assertThat(Threads.defaultCount()).isBetween(1, Runtime.getRuntime().availableProcessors());
  }

  @Test
  void twoThreadsOfOneCoreCountOnce() throws IOException {
    cpu(0, "core_cpus_list", "0,2\n");
    cpu(1, "core_cpus_list", "1,3\n");
    cpu(2, "core_cpus_list", "0,2\n");
    cpu(3, "core_cpus_list", "1,3\n");
    assertThat(Threads.physicalCores(cpus)).isEqualTo(2);
  }

  @Test
  void olderKernelsCallTheListAnotherName() throws IOException {
    cpu(0, "thread_siblings_list", "0-1\n");
    cpu(1, "thread_siblings_list", "0-1\n");
    assertThat(Threads.physicalCores(cpus)).isEqualTo(1);
  }

  @Test
  void anUnreadableTopologyIsUnknown() throws IOException {
    Files.createDirectories(cpus.resolve("cpu0"));
    assertThat(Threads.physicalCores(cpus)).isZero();
    assertThat(Threads.physicalCores(cpus.resolve("missing"))).isZero();
  }

  private void cpu(int number, String file, String siblings) throws IOException {
    Path topology = cpus.resolve("cpu" + number).resolve("topology");
    Files.createDirectories(topology);
    Files.writeString(topology.resolve(file), siblings);
  }
}
