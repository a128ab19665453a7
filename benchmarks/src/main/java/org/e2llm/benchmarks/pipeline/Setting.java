package org.e2llm.benchmarks.pipeline;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.e2llm.E2llm;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.Secret;
import org.e2llm.cluster.Share;
import org.e2llm.kernels.gguf.SyntheticModel;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;
import org.e2llm.samples.bench.CacheFolder;

/**
 * What all devices of a measurement share.
 *
 * @param model its file
 * @param batch most rows of a forward pass, which is also how long a chunk of a prompt is
 * @param context most tokens of a session
 * @param folder where identities and the secret are kept
 * @param memory that a device offers, in bytes
 */
record Setting(Path model, int batch, int context, Path folder, long memory) {
  private static final long KV_TOKENS = 1 << 20;
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(120);

  /** A file, or {@code SHAPE:TYPE} of a synthetic model, which is written once and kept. */
  static Path model(String name) {
    Path file = Path.of(name);
    if (Files.exists(file)) {
      return file;
    }
    String[] parts = name.split(":", -1);
    if (parts.length != 2) {
      throw new IllegalArgumentException(
          "model " + name + " is neither a file nor SHAPE:TYPE, such as 1.1b-llama:Q8_0");
    }
    return SyntheticModel.writeIfAbsent(CacheFolder.path(), parts[0], parts[1], written -> {});
  }

  /** With a folder of its own for identities, and a new secret in it. */
  static Setting in(Path model, int batch, int context, long memory) throws IOException {
    Path folder = Files.createTempDirectory("e2llm-pipeline");
    Files.writeString(folder.resolve("secret"), Secret.generate().reveal());
    return new Setting(model, batch, context, folder, memory);
  }

  /** One device with one thread, alone. */
  E2llm alone() {
    return builder().open();
  }

  private E2llm.Builder builder() {
    return E2llm.builder().model(model).threads(1).batch(batch).context(context).kvMemory(memory);
  }

  /**
   * One device with one thread that shares {@link #memory}.
   *
   * @param name its folder, and thereby its identity
   * @param port where it listens on loopback; 0 for any that is free
   * @param peers ports of others
   */
  E2llm join(String name, int port, List<Integer> peers) throws IOException {
    Cluster cluster =
        Cluster.named("benchmark")
            .secret(Secret.parse(Files.readString(folder.resolve("secret"))))
            .folder(folder.resolve(name))
            .deviceName(name)
            .listen("127.0.0.1", port)
            .withoutDiscovery();
    for (int peer : peers) {
      cluster = cluster.peer("127.0.0.1", peer);
    }
    return builder().cluster(cluster).share(Share.memory(memory).threads(1)).open();
  }

  /**
   * One replica over the devices; {@code cuts} are the first layers of all stages but the first.
   */
  Plan plan(E2llm llm, List<String> devices, int... cuts) {
    ModelSpec spec = llm.modelSpec();
    List<StagePlan> stages = new ArrayList<>();
    for (int i = 0; i < devices.size(); i++) {
      int from = i == 0 ? 0 : cuts[i - 1];
      int to = i == cuts.length ? spec.layerCount() : cuts[i];
      stages.add(new StagePlan(devices.get(i), LayerRange.of(from, to)));
    }
    PlannedFor planned =
        new PlannedFor(spec.name(), "", spec.layerCount(), llm.kvType(), context, Arithmetic.F32);
    return Plan.own(planned, stages, KV_TOKENS);
  }

  /** Waits until a device is there, and can be planned with. */
  static void awaitPeer(E2llm llm, String id) throws Exception {
    await(
        llm,
        "device " + id,
        status ->
            status.peers().stream()
                .anyMatch(peer -> peer.id().equals(id) && peer.profile() != null));
  }

  /** Waits until this plan serves. */
  static void awaitPlan(E2llm llm, Plan plan) throws Exception {
    List<ReplicaPlan> wanted = plan.replicas();
    await(
        llm,
        "the plan " + wanted,
        status ->
            status.ready()
                && status.plan() != null
                && status.plan().replicas().get(0).stages().equals(wanted.get(0).stages()));
  }

  private static void await(E2llm llm, String what, Predicate<ClusterStatus> condition)
      throws Exception {
    long end = System.nanoTime() + PATIENCE;
    while (!condition.test(llm.cluster().status())) {
      if (System.nanoTime() > end) {
        throw new TimeoutException(what + " did not come; " + llm.cluster().status());
      }
      Thread.sleep(20);
    }
  }
}
