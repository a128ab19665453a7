package org.e2llm.samples.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.e2llm.samples.Until;

/** A control group that gives its processes a part of one core; Linux, as root. */
final class CpuQuota implements AutoCloseable {
  private static final Path GROUPS = Path.of("/sys/fs/cgroup");
  private static final Path V1 = GROUPS.resolve("cpu");
  private static final int PERIOD_MICROS = 20_000;

  private final Path group;
  private final Thread remover = new Thread(this::remove);

  /**
   * An empty group.
   *
   * @param percent of one core
   */
  CpuQuota(int percent) {
    boolean v1 = Files.exists(V1.resolve("cpu.cfs_quota_us"));
    int quota = PERIOD_MICROS * percent / 100;
    Path parent = v1 ? V1 : GROUPS;
    removeStale(parent);
    Runtime.getRuntime().addShutdownHook(remover);
    group = parent.resolve("e2llm" + ProcessHandle.current().pid() + "-" + percent);
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

  /** What a test left behind that was killed: names begin with its process id. */
  private static void removeStale(Path parent) {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(parent, "e2llm*")) {
      for (Path each : all) {
        Matcher named = Pattern.compile("e2llm(\\d+)-\\d+").matcher(each.getFileName().toString());
        if (named.matches() && ProcessHandle.of(Long.parseLong(named.group(1))).isEmpty()) {
          removed(each);
        }
      }
    } catch (IOException e) {
      // Where nothing can be read, nothing can be made either, which is told.
    }
  }

  /** Its processes must have ended. */
  @Override
  public void close() {
    remove();
    Runtime.getRuntime().removeShutdownHook(remover);
  }

  private void remove() {
    Until.until(10, group + " can be removed", () -> removed(group));
  }

  private static boolean removed(Path group) {
    try {
      Files.deleteIfExists(group);
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
