package org.e2llm.kernels.profile;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * How much of the machine this process may use, as Linux tells; elsewhere all of it.
 *
 * <p>Source: cgroups(7), Documentation/admin-guide/cgroup-v2.rst (cpu.max), sched-bwc.rst
 * (cpu.cfs_quota_us). The tightest limit on the way up counts.
 *
 * @param quotaCpus CPUs' worth of time; infinite where there is no limit
 * @param cpus the CPUs it may run on (cpuset and affinity together), such as {@code 0-3}; empty
 *     where that is not known
 */
public record CpuLimits(double quotaCpus, String cpus) {
  private static final long MOST_BYTES = 1 << 20;

  /** Those of this process, now. */
  public static CpuLimits read() {
    return read(Paths.get("/"));
  }

  /**
   * As {@link #read()} with the system's files under another folder.
   *
   * @param root what stands for {@code /}
   */
  static CpuLimits read(Path root) {
    double quota = Double.POSITIVE_INFINITY;
    List<String> mounts = lines(root.resolve("proc/self/mountinfo"));
    for (String line : lines(root.resolve("proc/self/cgroup"))) {
      String[] parts = line.split(":", 3); // hierarchy : controllers : path
      if (parts.length == 3) {
        boolean v2 = parts[1].isEmpty();
        if (v2 || Arrays.asList(parts[1].split(",")).contains("cpu")) {
          quota = Math.min(quota, quota(root, mounts, v2, parts[2]));
        }
      }
    }
    return new CpuLimits(quota, allowedCpus(lines(root.resolve("proc/self/status"))));
  }

  private static double quota(Path root, List<String> mounts, boolean v2, String path) {
    double quota = Double.POSITIVE_INFINITY;
    for (String mount : mounts) {
      // id parent device root point options [tags...] - type source options
      String[] sides = mount.split(" - ", 2);
      String[] front = sides[0].split(" ");
      String[] back = sides.length < 2 ? new String[0] : sides[1].split(" ");
      if (front.length < 5 || back.length < 3 || !isCpuMount(back, v2)) {
        continue;
      }
      Path top = root.resolve(relative(front[4]));
      // In a container the mount may show a part of the hierarchy only.
      String inside = path.startsWith(front[3]) ? path.substring(front[3].length()) : path;
      Path folder = top.resolve(relative(inside)).normalize();
      for (; folder != null && folder.startsWith(top); folder = folder.getParent()) {
        quota = Math.min(quota, v2 ? quotaV2(folder) : quotaV1(folder));
      }
    }
    return quota;
  }

  private static boolean isCpuMount(String[] back, boolean v2) {
    return v2
        ? back[0].equals("cgroup2")
        : back[0].equals("cgroup") && Arrays.asList(back[2].split(",")).contains("cpu");
  }

  private static String relative(String path) {
    int start = 0;
    while (start < path.length() && path.charAt(start) == '/') {
      start++;
    }
    return path.substring(start);
  }

  /** {@code "max 100000"} or {@code "50000 100000"}. */
  private static double quotaV2(Path folder) {
    List<String> lines = lines(folder.resolve("cpu.max"));
    String[] parts = lines.isEmpty() ? new String[0] : lines.get(0).split(" ");
    return parts.length < 2 ? Double.POSITIVE_INFINITY : share(parts[0], parts[1]);
  }

  private static double quotaV1(Path folder) {
    List<String> quota = lines(folder.resolve("cpu.cfs_quota_us"));
    List<String> period = lines(folder.resolve("cpu.cfs_period_us"));
    return quota.isEmpty() || period.isEmpty()
        ? Double.POSITIVE_INFINITY
        : share(quota.get(0), period.get(0));
  }

  /** Infinite for {@code max}, for -1 (none, in v1) and for what is no number. */
  private static double share(String quota, String period) {
    try {
      double share = (double) Long.parseLong(quota.trim()) / Long.parseLong(period.trim());
      return share > 0 ? share : Double.POSITIVE_INFINITY;
    } catch (NumberFormatException e) {
      return Double.POSITIVE_INFINITY;
    }
  }

  private static String allowedCpus(List<String> status) {
    for (String line : status) {
      if (line.toLowerCase(Locale.ROOT).startsWith("cpus_allowed_list:")) {
        return line.substring(line.indexOf(':') + 1).trim();
      }
    }
    return "";
  }

  /** Empty where the file cannot be read: another system, or a sandbox. */
  static List<String> lines(Path file) {
    try {
      byte[] bytes = Files.readAllBytes(file);
      int length = (int) Math.min(MOST_BYTES, bytes.length);
      String text = new String(bytes, 0, length, StandardCharsets.UTF_8);
      return new ArrayList<>(Arrays.asList(text.split("\n")));
    } catch (IOException | SecurityException e) {
      return List.of();
    }
  }
}
