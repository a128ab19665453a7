package org.e2llm.samples.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.e2llm.E2llm;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.Share;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What a command that joins a cluster shares with it, and the plan it wants there. */
public final class ClusterShare {
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(60);

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      description = "Memory to share with the cluster, such as 2G; default: none.")
  private @Nullable String memory;

  @Mixin private PlanWish wish = new PlanWish();

  /** Shares, and wishes plans, as the options say. */
  public E2llm.Builder apply(E2llm.Builder builder) {
    if (memory != null) {
      builder.share(Share.memory(SizeText.parse("--memory", memory)));
    }
    wish.apply(builder);
    return builder;
  }

  /**
   * Waits until the plan serves, the given one if there is one.
   *
   * @return what is in use, for people
   * @throws ClusterException if that takes more than a minute
   */
  public String awaitReady(E2llm llm) throws InterruptedException {
    long start = System.nanoTime();
    ClusterStatus status = llm.cluster().status();
    while (!isReady(status)) {
      if (System.nanoTime() - start > PATIENCE) {
        throw new ClusterException(
            "no plan serves within "
                + TimeUnit.NANOSECONDS.toSeconds(PATIENCE)
                + " s; "
                + status.peers().size()
                + " peers are there. "
                + status.problem());
      }
      Thread.sleep(20);
      status = llm.cluster().status();
    }
    return "plan " + work(Objects.requireNonNull(status.plan()));
  }

  private boolean isReady(ClusterStatus status) {
    Plan found = status.plan();
    Plan plan = wish.plan();
    return status.ready() && found != null && (plan == null || work(found).equals(work(plan)));
  }

  private static List<String> work(Plan of) {
    List<String> work = new ArrayList<>();
    for (ReplicaPlan replica : of.replicas()) {
      replica.stages().forEach(stage -> work.add(stage.device() + " " + stage.layers()));
    }
    return work;
  }
}
