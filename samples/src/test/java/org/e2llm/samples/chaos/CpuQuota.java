package org.e2llm.samples.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.e2llm.samples.Until;

/** A control group that gives its processes a part of one core; Linux, as root. */
final class CpuQuota implements AutoCloseable {
  private static final Path GROUPS = Path.of("/sys/fs/cgroup");
  private static final Path V1 = GROUPS.resolve("cpu");
  private static final int PERIOD_MICROS = 20_000;

  private final Path group;

  /**
   * An empty group.
   *
   * @param percent of one core
   */
  CpuQuota(int percent) {
    boolean v1 = Files.exists(V1.resolve("cpu.cfs_quota_us"));
    int quota = PERIOD_MICROS * percent / 100;
    group = (v1 ? V1 : GROUPS).resolve("e2llm" + ProcessHandle.current().pid() + "-" + percent);
    try {
      Files.createDirectory(group);
      if (v1) {
        Files.writeString(group.resolve("cpu.cfs_period_us"), Integer.toString(PERIOD_MICROS));
        Files.writeString(group.resolve("cpu.cfs_quota_us"), Integer.toString(quota));
      } else {
        Files.writeString(group.resolve("cpu.max"), quota + " " + PERIOD_MICROS);
      }
    } catch (IOException e) {
      close();
      throw new UncheckedIOException(e);
    }
  }

  /** Whether this machine lets us. */
  static boolean available() {
    try (CpuQuota probe = new CpuQuota(99)) {
      return Files.exists(probe.group.resolve("cgroup.procs"));
    } catch (UncheckedIOException e) {
      return false;
    }
  }

  void add(Jvm process) {
    try {
      Files.writeString(group.resolve("cgroup.procs"), Long.toString(process.pid()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Its processes must have ended. */
  @Override
  public void close() {
    Until.until(10, group + " can be removed", this::removed);
  }

  private boolean removed() {
    try {
      Files.deleteIfExists(group);
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
