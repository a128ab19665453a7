package org.e2llm.samples;

import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.e2llm.E2llm;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.Secret;
import org.e2llm.cluster.Share;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Nic;

/** Apps in this JVM that find each other on loopback. */
public final class Apps {
  /** The name of every test's cluster, whose secrets differ. */
  public static final String CLUSTER = "test";

  private Apps() {}

  /**
   * One more app, with one thread; it dials the first.
   *
   * @param apps those that are open; this one is added
   * @param wishes what it asks for besides
   */
  public static E2llm join(
      List<E2llm> apps,
      Secret secret,
      Path folder,
      Path model,
      UnaryOperator<E2llm.Builder> wishes) {
    Cluster cluster =
        Cluster.named(CLUSTER)
            .secret(secret)
            .listen("127.0.0.1", 0)
            .withoutDiscovery()
            .folder(folder)
            .deviceName("device-" + apps.size());
    if (!apps.isEmpty()) {
      String at = apps.get(0).cluster().status().address();
      int colon = at.lastIndexOf(':');
      cluster = cluster.peer(at.substring(0, colon), Integer.parseInt(at.substring(colon + 1)));
    }
    E2llm app = wishes.apply(E2llm.builder().model(model).threads(1).cluster(cluster)).open();
    apps.add(app);
    Until.until(() -> !app.cluster().status().address().isEmpty());
    return app;
  }

  /** Shares memory, and says how fast it is. */
  public static UnaryOperator<E2llm.Builder> sharing(
      double prefillFlops, double decodeFlops, double memoryBandwidth) {
    DeviceProfile profile = profile(prefillFlops, decodeFlops, memoryBandwidth);
    return builder -> builder.share(Share.memory(1 << 30)).profile(profile);
  }

  /** Of a device that need not measure itself. */
  public static DeviceProfile profile(
      double prefillFlops, double decodeFlops, double memoryBandwidth) {
    return new DeviceProfile(
        "any",
        "any",
        prefillFlops,
        decodeFlops,
        memoryBandwidth,
        1e-5,
        1 << 30,
        true,
        Nic.GIGABIT_ETHERNET);
  }

  /** Of its certificate. */
  public static String id(E2llm app) {
    return app.cluster().status().self();
  }
}
