package org.e2llm.transport;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.cluster.CacheFullException;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;
import org.e2llm.transport.cluster.View;

/**
 * Which bytes of the model this device is to hold: those of its stages in the plan in force, and
 * those that it keeps for others. Belongs to the thread of {@link ClusterPeer}.
 */
final class SliceAims {
  private static final Logger LOG = Logger.getLogger(SliceAims.class.getName());

  private final String self;
  private final ModelSpec model;
  private final Slices slices;
  private List<LayerRange> missing = List.of();

  SliceAims(String self, ModelSpec model, Slices slices) {
    this.self = self;
    this.model = model;
    this.slices = slices;
  }

  /**
   * Takes in who has what.
   *
   * @return whether copies of layers came back or are gone, which wants another plan
   */
  boolean note(View view) {
    Set<String> whole = new HashSet<>();
    for (View.Member member : view.members().values()) {
      if (Copies.of(member.record()).full()) {
        whole.add(member.record().id());
      }
    }
    slices.whole(whole);
    List<LayerRange> before = missing;
    missing = Copies.missing(view, model);
    return !missing.equals(before);
  }

  /** Has the slices fetch what is wanted; completes once what the plan wants is here. */
  CompletableFuture<Void> aim(View view, Plan plan) {
    Set<String> devices = new HashSet<>();
    for (ReplicaPlan replica : plan.replicas()) {
      replica.stages().forEach(stage -> devices.add(stage.device()));
    }
    Map<String, List<LayerRange>> duties = Copies.duties(view, model, plan);
    CompletableFuture<Void> here = slices.aim(layers(plan), duties.getOrDefault(self, List.of()));
    // A device alone need not know what others would call its model.
    boolean alone = devices.size() == 1 && slices.holding().full();
    return alone ? CompletableFuture.completedFuture(null) : here;
  }

  /** What the plan wants cannot be had: others must take its layers. */
  void failed(Plan plan, Throwable why) {
    LOG.log(Level.CONFIG, "the bytes for plan " + plan.order() + " cannot be had", why);
    if (why instanceof CacheFullException full) {
      long wanted = layers(plan).stream().mapToLong(model::weightBytes).sum();
      slices.room(wanted - full.missingBytes());
    }
  }

  /** Of the stages here. */
  private List<LayerRange> layers(Plan plan) {
    List<LayerRange> mine = new ArrayList<>();
    for (ReplicaPlan replica : plan.replicas()) {
      for (StagePlan stage : replica.stages()) {
        if (stage.device().equals(self)) {
          mine.add(stage.layers());
        }
      }
    }
    return mine;
  }
}
