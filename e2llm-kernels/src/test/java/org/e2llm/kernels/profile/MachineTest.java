package org.e2llm.kernels.profile;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineTest {
  @TempDir Path root;

  @Test
  void namesThePcsCpuAndItsLargestCache() throws IOException {
    write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Fast CPU @ 3 GHz\nflags\t\t: fma\n");
    write("sys/devices/system/cpu/cpu0/cache/index0/size", "32K\n");
    write("sys/devices/system/cpu/cpu0/cache/index3/size", "24576K\n");
    Machine machine = Machine.read(root);
    assertThat(machine.cpu()).endsWith("Fast CPU @ 3 GHz");
    assertThat(machine.cacheBytes()).isEqualTo(24 << 20);
  }

  @Test
  void namesAllKindsOfCoresOfAPhone() throws IOException {
    write(
        "proc/cpuinfo",
        "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd46\n\n"
            + "processor : 1\nCPU implementer : 0x41\nCPU part : 0xd4d\n");
    assertThat(Machine.read(root).cpu()).contains("0xd46").contains("0xd4d");
  }

  @Test
  void guessesWhereTheSystemDoesNotTell() throws IOException {
    write("sys/devices/system/cpu/cpu0/cache/index0/size", "lots\n");
    assertThat(Machine.read(root).cpu()).isNotBlank();
    assertThat(Machine.read(root).cacheBytes()).isPositive();
  }

  private void write(String path, String text) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
