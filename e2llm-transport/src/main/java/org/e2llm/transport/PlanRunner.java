package org.e2llm.transport;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.ServingStats;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.LocalReplica;
import org.e2llm.pipeline.Replica;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.serving.HostLimits;
import org.e2llm.serving.ServingLoop;
import org.e2llm.spi.Engine;
import org.e2llm.spi.TransportProvider;
import org.e2llm.transport.stage.HostedSessions;
import org.e2llm.transport.stage.KvExchange;
import org.e2llm.transport.stage.KvReplica;
import org.e2llm.transport.stage.Ring;
import org.e2llm.transport.stage.RingReplica;
import org.e2llm.transport.stage.SessionClient;
import org.e2llm.transport.stage.StageHost;
import org.e2llm.transport.stage.StageSource;
import org.jspecify.annotations.Nullable;

/**
 * Makes what plans give this device to do: a replica with its serving loop, where the plan puts a
 * first stage here. A plan's replica is made when the plan is adopted and used when it is ready;
 * the one before it goes on until its last session has ended.
 *
 * <p>Belongs to the thread of {@link ClusterPeer}.
 */
final class PlanRunner implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(PlanRunner.class.getName());

  /** A replica that begins here, and the loop that drives it. */
  private static final class Hosting {
    final Plan plan;
    final ReplicaPlan replica;
    @Nullable ServingLoop loop;
    @Nullable KvReplica moves;
    @Nullable RingReplica ring;
    boolean making;

    /** Its bytes are here. */
    boolean fetched;

    Hosting(Plan plan, ReplicaPlan replica) {
      this.plan = plan;
      this.replica = replica;
    }
  }

  private final String self;
  private final TransportProvider.Joining joining;
  private final StageHost stages;
  private final StageSource source;
  private final SessionClient sessions;
  private final KvExchange kv;
  private final Executor thread;
  private final Executor background;
  private final SecureRandom random = new SecureRandom();

  private final KnownPlans known;

  private @Nullable Hosting current;
  private @Nullable Hosting serving;
  private @Nullable Runnable onServes;
  private final List<ServingLoop> ending = new ArrayList<>();
  private boolean closed;

  /**
   * Hosts nothing yet.
   *
   * @param source of stages on this device
   * @param kv moves KV caches to and from its replicas
   * @param thread of the cluster peer
   * @param background where weights are mapped
   */
  PlanRunner(
      String self,
      TransportProvider.Joining joining,
      StageHost.Factory stages,
      StageSource source,
      SessionClient sessions,
      KvExchange kv,
      Executor thread,
      Executor background) {
    this.self = self;
    this.joining = joining;
    Engine engine = joining.engine();
    DeviceProfile offered = joining.profile();
    this.known =
        new KnownPlans(
            self,
            engine.modelSpec(),
            engine.kvType(),
            offered == null ? 0 : offered.memoryBytes(),
            joining.kvMemory());
    this.stages = stages.make(known);
    this.source = source;
    this.sessions = sessions;
    this.kv = kv;
    this.thread = thread;
    this.background = background;
  }

  StageHost stages() {
    return stages;
  }

  /**
   * A plan is in force.
   *
   * @param bytes completes once what it needs of the model is here
   * @param serves runs once this device serves what the plan gives it
   */
  void adopt(Plan plan, CompletableFuture<Void> bytes, Runnable serves) {
    known.adopt(plan);
    if (current != null && current != serving) {
      retire(current);
    }
    current = null;
    onServes = serves;
    for (ReplicaPlan replica : plan.replicas()) {
      if (replica.stages().get(0).device().equals(self)) {
        current = new Hosting(plan, replica);
      }
    }
    Hosting adopted = current;
    bytes.thenRun(() -> thread.execute(() -> fetched(plan.order(), adopted, serves)));
  }

  private void fetched(PlanOrder plan, @Nullable Hosting hosting, Runnable serves) {
    known.fetched(plan);
    if (onServes != serves) {
      return; // another plan came
    }
    if (hosting == null) {
      onServes = null;
      serves.run();
    } else {
      hosting.fetched = true;
      make(hosting);
    }
  }

  /** All devices serve the plan adopted last: new sessions run on it. */
  void ready() {
    use(current);
  }

  private void use(@Nullable Hosting next) {
    if (serving != null && serving != next) {
      retire(serving);
    }
    serving = next;
    serveOn(next);
  }

  /** Null if no first stage is here that works. */
  private void serveOn(@Nullable Hosting hosting) {
    KvReplica moves = hosting == null || hosting.loop == null ? null : hosting.moves;
    sessions.hosted().serveOn(hosting == null ? null : hosting.loop, moves);
    kv.serveOn(moves);
  }

  private void retire(Hosting old) {
    if (old.loop != null) {
      ending.add(old.loop);
      old.loop = null;
    }
  }

  private void make(Hosting hosting) {
    hosting.making = true;
    replica(hosting)
        .whenComplete((made, error) -> thread.execute(() -> made(hosting, made, error)));
  }

  private CompletableFuture<Replica> replica(Hosting hosting) {
    ReplicaPlan plan = hosting.replica;
    if (plan.stages().size() == 1) {
      int vocabulary = joining.engine().modelSpec().vocabularySize();
      return CompletableFuture.supplyAsync(
          () -> new LocalReplica(source.stage(plan.stages().get(0).layers()), vocabulary, sessions),
          background);
    }
    Ring ring =
        new Ring(
            random.nextLong(), hosting.plan.order(), plan.stages(), hosting.plan.wire().hidden());
    return stages
        .replica(ring, sessions)
        .thenApply(
            made -> {
              hosting.ring = made;
              return made;
            });
  }

  private void made(Hosting hosting, @Nullable Replica replica, @Nullable Throwable error) {
    hosting.making = false;
    if (replica == null) {
      LOG.log(Level.FINE, "a replica could not be set up; it is tried again", error);
      return;
    }
    if (closed || (hosting != current && hosting != serving)) {
      replica.close();
      return;
    }
    ServingLoop loop = loop(hosting, replica);
    hosting.loop = loop;
    hosting.moves =
        new KvReplica(kv, hosting.replica.stages(), hosting.plan.wire().kv(), replica, loop);
    if (hosting == serving || serving == null) {
      use(hosting);
    }
    Runnable serves = onServes;
    if (hosting == current && serves != null) {
      onServes = null;
      serves.run();
    }
  }

  private ServingLoop loop(Hosting hosting, Replica replica) {
    Engine engine = joining.engine();
    ModelSpec model = engine.modelSpec();
    long perToken = model.kvBytesPerToken(engine.kvType(), model.layers());
    long planned = Math.multiplyExact(hosting.replica.kvTokens(), perToken);
    HostLimits limits =
        new HostLimits(
            Math.min(joining.kvMemory(), planned),
            perToken,
            engine.contextLength(),
            joining.queueLimit(),
            hosting.plan.policy().slo());
    return new ServingLoop(replica, model, engine.tokenizer(), limits, () -> {});
  }

  /** Sets up again what broke, and ends what has nothing to do any more; to be called often. */
  void tick() {
    sessions.hosted().tick();
    stages.tick();
    kv.tick();
    mend(current);
    if (serving != current) {
      mend(serving);
    }
    Iterator<ServingLoop> old = ending.iterator();
    while (old.hasNext()) {
      ServingLoop loop = old.next();
      if (loop.stats().activeSessions() == 0 && loop.stats().queued() == 0) {
        old.remove();
        background.execute(loop::close);
      }
    }
  }

  private void mend(@Nullable Hosting hosting) {
    if (hosting == null || hosting.making || !hosting.fetched) {
      return;
    }
    RingReplica ring = hosting.ring;
    if (ring != null && ring.isBroken()) {
      retire(hosting);
      hosting.ring = null;
      if (hosting == serving) {
        serveOn(null);
      }
    }
    if (hosting.loop == null) {
      make(hosting);
    }
  }

  /** What the replica that new sessions use holds, if it begins here. */
  @Nullable ServingStats stats() {
    ServingLoop loop = serving == null ? null : serving.loop;
    return loop == null ? null : loop.stats();
  }

  /** Sessions that run here. */
  HostedSessions hosted() {
    return sessions.hosted();
  }

  /** Ends all loops; sessions of others go on elsewhere. Blocks for the batch under way. */
  @Override
  public void close() {
    closed = true;
    stages.leave();
    serveOn(null);
    for (Hosting hosting : new Hosting[] {current, serving}) {
      if (hosting != null) {
        retire(hosting);
      }
    }
    ending.forEach(ServingLoop::close);
    ending.clear();
    stages.close();
  }
}
