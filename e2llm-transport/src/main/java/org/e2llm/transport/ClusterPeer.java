package org.e2llm.transport;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.E2llmException;
import org.e2llm.cluster.ClusterEvent;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.serving.CallerSessions;
import org.e2llm.serving.GenerationService;
import org.e2llm.spi.ClusterLink;
import org.e2llm.spi.TransportProvider;
import org.e2llm.transport.cluster.ClusterTimers;
import org.e2llm.transport.cluster.Effect;
import org.e2llm.transport.cluster.LocalPeer;
import org.e2llm.transport.cluster.Message;
import org.e2llm.transport.cluster.MessageCodec;
import org.e2llm.transport.cluster.PeerInfo;
import org.e2llm.transport.cluster.PeerRecord;
import org.e2llm.transport.cluster.PublishedPlan;
import org.e2llm.transport.cluster.Reason;
import org.e2llm.transport.cluster.Sharing;
import org.e2llm.transport.cluster.View;
import org.e2llm.transport.net.Connection;
import org.e2llm.transport.net.ConnectionStats;
import org.e2llm.transport.net.Endpoint;
import org.e2llm.transport.net.Hello;
import org.e2llm.transport.net.Lane;
import org.e2llm.transport.stage.SessionClient;
import org.e2llm.transport.stage.StageHost;
import org.e2llm.transport.wire.FieldWriter;
import org.e2llm.transport.wire.FrameType;
import org.jspecify.annotations.Nullable;

/**
 * Drives {@link LocalPeer}: tells it of connections, messages and time, and carries out what it
 * decides. One daemon thread, {@value #THREAD_NAME}, does that; a second one plans and maps
 * weights.
 */
final class ClusterPeer implements ClusterLink, PeerConnections.Events {
  static final String THREAD_NAME = "e2llm-cluster";

  private static final Logger LOG = Logger.getLogger(ClusterPeer.class.getName());
  private static final long TICK = 100_000_000L;

  private final TransportProvider.Joining joining;
  private final String self;
  private final PeerConnections connections;
  private final ScheduledThreadPoolExecutor thread = executor(THREAD_NAME);
  private final ScheduledThreadPoolExecutor background = executor("e2llm-planner");
  private final long origin = System.nanoTime();
  private final SessionClient client;
  private final CallerSessions callers;
  private final PlanRunner runner;
  private final PlanDesk desk;
  private final Map<PlanOrder, Plan> plans = new ConcurrentHashMap<>();
  private @Nullable Endpoint endpoint;
  private volatile boolean closed;
  private volatile ClusterStatus status;
  private volatile boolean ready;
  private volatile String problem = "";

  // Belonging to the thread.
  private final LocalPeer peer;
  private PeerInfo info;
  private List<String> hosts = List.of();
  private @Nullable ScheduledFuture<?> nextTick;

  ClusterPeer(TransportProvider.Joining joining, String self, PeerInfo info) {
    this.joining = joining;
    this.self = self;
    this.info = info;
    connections = new PeerConnections(self, this);
    int vocabulary = joining.engine().modelSpec().vocabularySize();
    client = new SessionClient(connections, vocabulary);
    callers =
        new CallerSessions(
            client,
            joining.engine().modelSpec(),
            joining.engine().tokenizer(),
            () -> client.hosted().service());
    client.deliverTo(callers);
    runner =
        new PlanRunner(
            self,
            joining,
            gate -> new StageHost(connections, new EngineStages(joining.engine()), gate),
            client,
            this::run,
            background);
    desk = new PlanDesk(joining.planner(), joining.engine().modelSpec(), joining.options());
    long incarnation = System.currentTimeMillis() << 8;
    peer = new LocalPeer(self, incarnation, info, ClusterTimers.DEFAULT, this::check, now());
    status = new ClusterStatus(joining.cluster().name(), self, "", "", null, false, "", List.of());
  }

  private static ScheduledThreadPoolExecutor executor(String name) {
    ScheduledThreadPoolExecutor made =
        new ScheduledThreadPoolExecutor(
            1,
            work -> {
              Thread started = new Thread(work, name);
              started.setDaemon(true);
              return started;
            });
    made.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    made.setRemoveOnCancelPolicy(true);
    return made;
  }

  PeerConnections connections() {
    return connections;
  }

  /** Begins, with an endpoint whose listener is {@link #connections}. */
  void start(Endpoint opened, List<String> addresses) {
    run(
        () -> {
          endpoint = opened;
          info =
              new PeerInfo(
                  info.name(),
                  addresses,
                  info.sharing(),
                  info.profileVersion(),
                  info.wishVersion(),
                  info.details());
          peer.info(info, now());
          Plan forced = joining.forced();
          if (forced != null) {
            peer.force(PublishedPlans.draft(forced), now());
          }
        });
  }

  // What the app asks for.

  @Override
  public GenerationService sessions() {
    return callers;
  }

  @Override
  public ClusterStatus status() {
    return status;
  }

  @Override
  public void force(@Nullable Plan plan) {
    run(
        () -> {
          if (plan == null) {
            peer.withdraw(now());
          } else {
            peer.force(PublishedPlans.draft(plan), now());
          }
        });
  }

  @Override
  public void pause() {
    share(Sharing.PAUSED);
  }

  @Override
  public void resume() {
    share(Sharing.ACTIVE);
  }

  private void share(Sharing sharing) {
    run(
        () -> {
          if (info.sharing() != Sharing.NONE) {
            info = info.withSharing(sharing);
            peer.info(info, now());
          }
        });
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    callers.close();
    CompletableFuture<Void> left = new CompletableFuture<>();
    try {
      thread.execute(
          () -> {
            peer.leave(now());
            carryOut();
            left.complete(null);
          });
      left.get(2, TimeUnit.SECONDS);
    } catch (RejectedExecutionException | TimeoutException e) {
      LOG.log(Level.FINE, "left without a good-bye", e);
    } catch (ExecutionException e) {
      LOG.log(Level.FINE, "leaving failed", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    thread.shutdown();
    runner.close();
    background.shutdown();
    Endpoint open = endpoint;
    if (open != null) {
      open.close();
    }
  }

  // Events of connections; on the net thread.

  @Override
  public void opened(String id, Hello hello) {
    run(
        () -> {
          peer.opened(id, now());
          offerHosts();
        });
  }

  @Override
  public void received(String id, byte type, ByteBuffer payload) {
    if (StageHost.takes(type)) {
      runner.stages().received(id, type, payload);
    } else if (SessionClient.takes(type)) {
      client.received(id, type, payload);
    } else if (type >= FrameType.CLUSTER_FIRST && type < FrameType.SESSION_FIRST) {
      Message message = MessageCodec.read(type, payload);
      run(() -> peer.received(id, message, now()));
    } else {
      throw new ProtocolException("frames of type " + FrameType.name(type) + " are not taken here");
    }
  }

  @Override
  public void closed(String id, Throwable why) {
    LOG.log(Level.FINE, "the connection to " + id + " ended", why);
    // Frames may be lost: whatever was under way between the two is started again.
    runner.stages().lost(id);
    client.hosted().lost(id);
    callers.lost(id);
    run(() -> peer.closed(id, now()));
  }

  @Override
  public void refused(InetSocketAddress remote, ClusterException why) {
    LOG.log(Level.CONFIG, "{0} was not let in: {1}", new Object[] {remote, why.getMessage()});
  }

  // The thread.

  private void run(Runnable event) {
    try {
      thread.execute(
          () -> {
            guarded(event);
            guarded(this::carryOut);
          });
    } catch (RejectedExecutionException e) {
      LOG.log(Level.FINEST, "after the end", e);
    }
  }

  private static void guarded(Runnable work) {
    try {
      work.run();
    } catch (RuntimeException | Error e) { // a defect of ours: the others go on
      LOG.log(Level.SEVERE, "an event of the cluster failed", e);
    }
  }

  private void tick() {
    for (String id : connections.peers()) {
      ConnectionStats stats = connections.stats(id);
      if (stats != null) {
        peer.heard(id, stats.lastReceivedNanos() - origin);
      }
    }
    peer.tick(now());
    runner.tick();
  }

  private void carryOut() {
    for (List<Effect> effects = peer.takeEffects();
        !effects.isEmpty();
        effects = peer.takeEffects()) {
      for (Effect effect : effects) {
        guarded(() -> carryOut(effect));
      }
    }
    status = describe();
    if (!closed) {
      ScheduledFuture<?> before = nextTick;
      if (before != null) {
        before.cancel(false);
      }
      long pause = Math.max(1_000_000L, Math.min(TICK, peer.nextTick() - now()));
      nextTick =
          thread.schedule(
              () -> {
                guarded(this::tick);
                guarded(this::carryOut);
              },
              pause,
              TimeUnit.NANOSECONDS);
    }
  }

  private void carryOut(Effect effect) {
    if (effect instanceof Effect.Send send) {
      send(send.peer(), send.message());
    } else if (effect instanceof Effect.Dial dial) {
      dial(dial.peer(), dial.addresses());
    } else if (effect instanceof Effect.Disconnect disconnect) {
      connections.drop(disconnect.peer(), disconnect.reason());
    } else if (effect instanceof Effect.Joined joined) {
      tell(new ClusterEvent.Joined(joined.peer().id(), joined.peer().info().name()));
      offerHosts();
    } else if (effect instanceof Effect.Gone gone) {
      gone(gone.peer(), gone.absence());
    } else if (effect instanceof Effect.MakePlan make) {
      makePlan(make.number(), make.reasons());
    } else if (effect instanceof Effect.Adopt adopt) {
      adopt(adopt.plan());
    } else if (effect instanceof Effect.Ready serves) {
      ready(serves.plan());
    } else if (effect instanceof Effect.Retire retire) {
      plans.remove(retire.plan());
    } else if (effect instanceof Effect.Impossible impossible) {
      problem = impossible.reason();
      callers.impossible(impossible.reason());
      tell(new ClusterEvent.Impossible(impossible.reason()));
    } else if (effect instanceof Effect.Problem found) {
      tell(new ClusterEvent.Problem(found.text()));
    } else if (effect instanceof Effect.ForceEnded ended) {
      tell(
          new ClusterEvent.Problem(
              "the plan that this app forced gave way to one of " + ended.peer()));
    }
  }

  private void send(String to, Message message) {
    FieldWriter out = new FieldWriter(512);
    MessageCodec.write(message, out);
    connections.send(to, MessageCodec.type(message), out.payload(), null);
  }

  private void dial(String id, List<String> addresses) {
    ArrayDeque<InetSocketAddress> left = new ArrayDeque<>();
    for (String address : addresses) {
      InetSocketAddress parsed = Addresses.parse(address);
      if (parsed != null) {
        left.add(parsed);
      }
    }
    dial(left, () -> run(() -> peer.unreachable(id, now())));
  }

  /** Tries one after the other until one answers. */
  void dial(ArrayDeque<InetSocketAddress> addresses, Runnable failed) {
    InetSocketAddress address = addresses.poll();
    Endpoint from = endpoint;
    if (address == null || from == null) {
      failed.run();
      return;
    }
    CompletableFuture<Connection> dialled = from.connect(address, Lane.HOT);
    dialled.whenComplete(
        (connection, error) -> {
          if (error != null) {
            LOG.log(Level.FINE, "dialling " + address + " failed", error);
            dial(addresses, failed);
          }
        });
  }

  private void gone(PeerRecord record, Effect.Absence absence) {
    String id = record.id();
    String why =
        absence == Effect.Absence.LEFT
            ? "left"
            : absence == Effect.Absence.LOST ? "lost" : "restarted";
    tell(new ClusterEvent.Left(id, record.info().name(), why));
    runner.stages().lost(id);
    client.hosted().lost(id);
    offerHosts();
    callers.lost(id);
  }

  private void makePlan(long number, List<Reason> reasons) {
    LOG.log(Level.CONFIG, "a plan is made: {0}", reasons);
    View view = peer.view();
    background.execute(
        () -> {
          try {
            Plan made = desk.plan(view, PlanListener.NONE);
            PublishedPlan.Draft draft = PublishedPlans.draft(made);
            run(() -> planned(number, draft));
          } catch (E2llmException e) {
            String why = String.valueOf(e.getMessage());
            run(() -> peer.impossible(number, why, now()));
          } catch (RuntimeException e) {
            LOG.log(Level.SEVERE, "planning failed", e);
            run(() -> peer.keep(number, now()));
          }
        });
  }

  private void planned(long number, PublishedPlan.Draft draft) {
    PublishedPlan inForce = peer.plan();
    if (inForce != null && inForce.draft().hash().equals(draft.hash())) {
      peer.keep(number, now());
    } else {
      peer.planned(number, draft, now());
    }
  }

  private void check(PublishedPlan published) {
    PublishedPlans.plan(published, joining.engine().modelSpec());
  }

  private void adopt(PublishedPlan published) {
    Plan plan = PublishedPlans.plan(published, joining.engine().modelSpec());
    plans.put(plan.order(), plan);
    ready = false;
    problem = "";
    tell(new ClusterEvent.Planned(plan));
    runner.adopt(plan, () -> run(() -> peer.serves(plan.order(), now())));
  }

  private void ready(PlanOrder order) {
    Plan plan = plans.get(order);
    if (plan == null) {
      return;
    }
    ready = true;
    runner.ready();
    List<String> first = new ArrayList<>();
    for (ReplicaPlan replica : plan.replicas()) {
      first.add(replica.stages().get(0).device());
    }
    hosts = first;
    offerHosts();
    tell(new ClusterEvent.Ready(plan));
  }

  /** Of the hosts of the plan in use, those that are there. */
  private void offerHosts() {
    List<String> there = new ArrayList<>();
    for (String host : hosts) {
      if (host.equals(self) || connections.stats(host) != null) {
        there.add(host);
      }
    }
    callers.hosts(there);
  }

  private void tell(ClusterEvent event) {
    LOG.log(Level.CONFIG, event.text());
    try {
      joining.onEvent().accept(event);
    } catch (RuntimeException e) { // the app's own code
      LOG.log(Level.WARNING, "a listener to the cluster threw", e);
    }
  }

  private ClusterStatus describe() {
    List<ClusterStatus.Peer> all = new ArrayList<>();
    for (Map.Entry<String, View.Member> entry : peer.view().members().entrySet()) {
      PeerRecord record = entry.getValue().record();
      ConnectionStats stats = connections.stats(entry.getKey());
      all.add(
          new ClusterStatus.Peer(
              record.id(),
              record.info().name(),
              record.info().addresses(),
              profile(record),
              entry.getValue().direct(),
              stats == null ? 0 : stats.bytesSent(),
              stats == null ? 0 : stats.bytesReceived(),
              stats == null ? 0 : stats.rttNanos() * 1e-9));
    }
    PublishedPlan published = peer.plan();
    Plan plan = published == null ? null : plans.get(published.order());
    String at = info.addresses().isEmpty() ? "" : info.addresses().get(0);
    return new ClusterStatus(
        joining.cluster().name(), self, at, peer.coordinator(), plan, ready, problem, all);
  }

  private static @Nullable DeviceProfile profile(PeerRecord record) {
    try {
      return PeerDetails.read(record.info().details()).profile();
    } catch (E2llmException e) {
      return null;
    }
  }

  private long now() {
    return System.nanoTime() - origin;
  }
}
