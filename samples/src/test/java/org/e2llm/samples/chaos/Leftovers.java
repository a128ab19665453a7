package org.e2llm.samples.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.samples.Until;

/** What processes hold: compared with what they held before anything happened. */
final class Leftovers {
  private static final String SESSION = "org.e2llm.kernels.model.LocalSession";

  /** Of a process that had nothing to do at the moment of counting. */
  private static final int FILES_MORE = 4;

  private static final int THREADS_MORE = 4;

  private final ChaosCluster cluster;
  private int files;
  private int threads;

  /** Takes stock of a cluster that was used and now rests. */
  Leftovers(ChaosCluster cluster) {
    this.cluster = cluster;
    for (Jvm process : processes()) {
      files = Math.max(files, process.openFiles());
      threads = Math.max(threads, process.threads());
    }
  }

  /** Sessions with KV caches on all devices that live. */
  int sessions() {
    int sum = 0;
    for (Jvm process : processes()) {
      sum += process.instances(SESSION);
    }
    return sum;
  }

  /**
   * No session is left anywhere, and no process holds more files or threads than any did before.
   */
  void check() {
    Until.until(20, "no device has a session any more", () -> sessions() == 0);
    for (Jvm process : processes()) {
      Until.until(
          20,
          "files " + process.openFiles() + " come down to about " + files,
          () -> process.openFiles() <= files + FILES_MORE);
      Until.until(
          20,
          "threads " + process.threads() + " come down to about " + threads,
          () -> process.threads() <= threads + THREADS_MORE);
    }
    assertThat(threads).isPositive();
  }

  private List<Jvm> processes() {
    List<Jvm> all = new ArrayList<>();
    for (int i = 0; i < cluster.peerCount(); i++) {
      all.add(cluster.process(i));
    }
    for (App caller : cluster.callers()) {
      all.add(caller.process());
    }
    all.removeIf(process -> !process.isAlive());
    return all;
  }
}
