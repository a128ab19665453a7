package org.e2llm.spi;

import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Function;
import org.e2llm.Progress;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterEvent;
import org.e2llm.cluster.Share;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelSource;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.KeptEnds;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.jspecify.annotations.Nullable;

/** Joins clusters. Implemented by {@code e2llm-transport}. */
public interface TransportProvider {
  /**
   * How to join.
   *
   * @param source the model's file on this device; null for one that came from {@link #find}
   * @param layouts how the engine reads a header
   * @param engine of the model; stays the caller's, and must stay open until the link is closed
   * @param batchRows most rows of one batch
   * @param planner that makes plans where this device coordinates
   * @param profile of this device, its id left for the link to fill in; null if it shares nothing
   * @param measured whether the profile is what the engine measured, which may be asked again, and
   *     which live step times may correct; false if the app said it
   * @param options of plans, and what the app wishes of them
   * @param slo what the app wishes its requests to be served in
   * @param workload what requests the app expects, or null
   * @param ends layers at both ends of the model that this device keeps for the sessions of its
   *     app, or null
   * @param forced a plan that the app wants, or null
   * @param kvMemory bytes of KV cache that sessions may reserve on replicas that begin here
   * @param queueLimit requests that may wait there
   * @param onEvent called on a thread of the link; must be quick
   */
  record Joining(
      Cluster cluster,
      Share share,
      @Nullable ModelSource source,
      Function<ModelSource, ModelLayout> layouts,
      Engine engine,
      int batchRows,
      PlannerProvider planner,
      @Nullable DeviceProfile profile,
      boolean measured,
      PlanOptions options,
      Slo slo,
      @Nullable Workload workload,
      @Nullable KeptEnds ends,
      @Nullable Plan forced,
      long kvMemory,
      int queueLimit,
      Consumer<ClusterEvent> onEvent) {}

  /**
   * How to find the model of a cluster.
   *
   * @param layouts how the engine reads a header
   * @param patience how long to wait for a peer that has it
   * @param progress told {@link Progress.Phase#FIND}, on the calling thread
   * @param onEvent called on threads of the link; must be quick
   */
  record Finding(
      Cluster cluster,
      Function<ModelSource, ModelLayout> layouts,
      Duration patience,
      Consumer<Progress> progress,
      Consumer<ClusterEvent> onEvent) {}

  /** How this device reaches others, as far as its network interfaces tell. */
  Nic nic();

  /**
   * Waits for a peer that has the cluster's model, and takes its header from it.
   *
   * @return to be joined once and closed after the engine that was opened from it
   * @throws org.e2llm.cluster.NoModelException if nobody had one in time
   * @throws org.e2llm.WaitInterruptedException if the thread is interrupted
   * @throws org.e2llm.cluster.ClusterException if it cannot listen, or has no identity
   */
  FoundModel find(Finding finding);

  /**
   * Joins in the background and returns at once.
   *
   * @throws org.e2llm.cluster.ClusterException if it cannot listen, or has no identity
   */
  ClusterLink join(Joining joining);
}
