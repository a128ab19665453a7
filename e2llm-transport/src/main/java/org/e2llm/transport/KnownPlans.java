package org.e2llm.transport;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.e2llm.model.KvType;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;
import org.e2llm.transport.stage.Ring;
import org.e2llm.transport.stage.RingGate;
import org.jspecify.annotations.Nullable;

/**
 * The plans that rings may be of: those adopted last, once what they need of the model is here. A
 * plan counts, for each cached token, its KV and the journal of a later stage's input; a journal
 * gets what is left of the memory offered. Thread-safe.
 */
final class KnownPlans implements RingGate {
  private static final int MOST = 16;

  private static final Room NONE = new Room(0, 0);

  /** A plan, as far as this device is concerned. */
  private record Known(Room room, boolean fetched) {}

  private final String self;
  private final ModelSpec model;
  private final KvType kvType;
  private final long offeredBytes;

  /** Tokens whose KV over all layers is what the app allows sessions of rings that begin here. */
  private final double mostTokens;

  // Guarded by this.
  private final Map<PlanOrder, Known> plans = new LinkedHashMap<>();

  /**
   * Knows none.
   *
   * @param offeredBytes for weights, KV caches and all else on this device
   * @param kvMemory bytes of KV cache that sessions may reserve on rings that begin here
   */
  KnownPlans(String self, ModelSpec model, KvType kvType, long offeredBytes, long kvMemory) {
    this.self = self;
    this.model = model;
    this.kvType = kvType;
    this.offeredBytes = offeredBytes;
    this.mostTokens = (double) kvMemory / model.kvBytesPerToken(kvType, model.layers());
  }

  synchronized void adopt(Plan plan) {
    plans.put(plan.order(), new Known(room(plan), false));
    Iterator<PlanOrder> oldest = plans.keySet().iterator();
    while (plans.size() > MOST) {
      oldest.next();
      oldest.remove();
    }
  }

  /** What the plan needs of the model is here. */
  synchronized void fetched(PlanOrder plan) {
    plans.computeIfPresent(plan, (order, known) -> new Known(known.room(), true));
  }

  private Room room(Plan plan) {
    for (ReplicaPlan replica : plan.replicas()) {
      double tokens = replica.kvTokens(); // an app's plan may say any number
      double free = offeredBytes;
      int stages = 0;
      for (StagePlan stage : replica.stages()) {
        if (stage.device().equals(self)) {
          free -= model.weightBytes(stage.layers());
          free -= tokens * model.kvBytesPerToken(kvType, stage.layers());
          stages++;
        }
      }
      if (stages > 0) {
        double whole = tokens * 4 * model.embeddingLength();
        return new Room(
            (long) Math.min(tokens, mostTokens), (long) Math.max(0, Math.min(free, whole)));
      }
    }
    return NONE;
  }

  @Override
  public synchronized @Nullable String refusal(Ring ring) {
    Known known = plans.get(ring.plan());
    return known == null
        ? "it has not adopted plan " + ring.plan()
        : known.fetched() ? null : "it still fetches its layers of plan " + ring.plan();
  }

  @Override
  public synchronized Room room(Ring ring) {
    Known known = plans.get(ring.plan());
    return known == null ? NONE : known.room();
  }
}
