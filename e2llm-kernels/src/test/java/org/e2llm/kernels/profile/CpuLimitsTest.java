package org.e2llm.kernels.profile;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Limits of CPU time, from files as Linux shows them. */
class CpuLimitsTest {
  private static final String V2_MOUNT =
      "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
  private static final String V1_MOUNTS =
      "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
          + "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n";

  @TempDir Path root;

  @BeforeEach
  void status() throws IOException {
    write("proc/self/status", "Name:\tjava\nCpus_allowed:\tf\nCpus_allowed_list:\t0-1,3\n");
  }

  @Test
  void noLimitIsNone() throws IOException {
    write("proc/self/mountinfo", V2_MOUNT);
    write("proc/self/cgroup", "0::/user.slice/app.scope\n");
    write("sys/fs/cgroup/user.slice/app.scope/cpu.max", "max 100000\n");
    assertThat(CpuLimits.read(root)).isEqualTo(new CpuLimits(Double.POSITIVE_INFINITY, "0-1,3"));
  }

  @Test
  void theTightestLimitOnTheWayUpCountsInV2() throws IOException {
    write("proc/self/mountinfo", V2_MOUNT);
    write("proc/self/cgroup", "0::/a/b/c\n");
    write("sys/fs/cgroup/a/cpu.max", "400000 100000\n");
    write("sys/fs/cgroup/a/b/cpu.max", "75000 50000\n");
    write("sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
    assertThat(CpuLimits.read(root).quotaCpus()).isEqualTo(1.5);
  }

  @Test
  void readsV1BesideAnEmptyV2() throws IOException {
    write(
        "proc/self/mountinfo", V1_MOUNTS + V2_MOUNT.replace("cgroup rw,r", "cgroup/unified rw,r"));
    write("proc/self/cgroup", "5:cpuset:/\n4:cpu,cpuacct:/box\n0::/\n");
    write("sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us", "50000\n");
    write("sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us", "100000\n");
    write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    assertThat(CpuLimits.read(root).quotaCpus()).isEqualTo(0.5);
  }

  @Test
  void findsTheLimitInsideAContainerThatSeesAPartOfTheHierarchy() throws IOException {
    write("proc/self/mountinfo", V2_MOUNT.replace("0:28 / ", "0:28 /docker/abc "));
    write("proc/self/cgroup", "0::/docker/abc/job\n");
    write("sys/fs/cgroup/job/cpu.max", "max 100000\n");
    write("sys/fs/cgroup/cpu.max", "20000 100000\n");
    assertThat(CpuLimits.read(root).quotaCpus()).isEqualTo(0.2);
  }

  @Test
  void whatCannotBeReadOrMakesNoSenseIsNoLimit() throws IOException {
    assertThat(CpuLimits.read(root.resolve("nowhere")))
        .isEqualTo(new CpuLimits(Double.POSITIVE_INFINITY, ""));
    write("proc/self/mountinfo", "\n - \nx y\n" + V2_MOUNT);
    write("proc/self/cgroup", "garbage\n0::/../../..\n0::/a\n");
    write("sys/fs/cgroup/a/cpu.max", "many few\n");
    assertThat(CpuLimits.read(root).quotaCpus()).isEqualTo(Double.POSITIVE_INFINITY);
    write("sys/fs/cgroup/a/cpu.max", "1000 0\n");
    assertThat(CpuLimits.read(root).quotaCpus()).isEqualTo(Double.POSITIVE_INFINITY);
  }

  private void write(String path, String text) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
