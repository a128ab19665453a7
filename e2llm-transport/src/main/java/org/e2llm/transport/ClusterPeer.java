package org.e2llm.transport;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.DeviceLostException;
import org.e2llm.E2llmException;
import org.e2llm.InvalidRequestException;
import org.e2llm.ServingStats;
import org.e2llm.cluster.ClusterEvent;
import org.e2llm.cluster.ClusterMember;
import org.e2llm.cluster.ClusterMismatchException;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.NoCopyException;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.cluster.Share;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.DeviceSpeed;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOrder;
import org.e2llm.serving.CallerSessions;
import org.e2llm.serving.GenerationService;
import org.e2llm.serving.Recovery;
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
import org.e2llm.transport.cluster.Sharing;
import org.e2llm.transport.cluster.View;
import org.e2llm.transport.discovery.LanInterface;
import org.e2llm.transport.net.ConnectionStats;
import org.e2llm.transport.net.Hello;
import org.e2llm.transport.net.Lane;
import org.e2llm.transport.stage.KvExchange;
import org.e2llm.transport.stage.SessionClient;
import org.e2llm.transport.stage.StageHost;
import org.e2llm.transport.wire.FieldWriter;
import org.e2llm.transport.wire.FrameType;
import org.jspecify.annotations.Nullable;

/**
 * Drives {@link LocalPeer}: tells it of connections, messages and time, and carries out what it
 * decides, on the {@link ClusterThread}; a second thread plans and maps weights.
 */
final class ClusterPeer implements ClusterLink, ClusterMember.OwnShare, PeerConnections.Events {
  private static final Logger LOG = Logger.getLogger(ClusterPeer.class.getName());

  private final TransportProvider.Joining joining;
  private final ModelSpec model;
  private final String self;
  private final Lan lan;
  private final PeerConnections connections;
  private final Slices slices;
  private final Consumer<ClusterEvent> events;
  private final ClusterThread thread = new ClusterThread(new Work());
  private final ScheduledThreadPoolExecutor background = Daemons.executor("e2llm-planner");
  private final SessionClient client;
  private final CallerSessions callers;
  private final KvExchange kv;
  private final PlanRunner runner;
  private final PlanDesk desk;
  private final ClusterWatch watch;
  private final HostOffers hosts;
  private final Map<PlanOrder, Plan> plans = new ConcurrentHashMap<>();
  private volatile boolean closed;
  private volatile ClusterStatus status;
  private volatile View view;
  private volatile boolean ready;
  private volatile String problem = "";

  // Belonging to the thread.
  private final LocalPeer peer;
  private final OwnInfo own;
  private final SliceAims aims;
  private final PlanRequests planRequests;

  ClusterPeer(TransportProvider.Joining joining, Lan lan, Consumer<ClusterEvent> events) {
    this.joining = joining;
    this.model = joining.engine().modelSpec();
    this.lan = lan;
    this.self = lan.self();
    this.connections = lan.connections();
    this.slices = lan.slices();
    this.events = events;
    DeviceProfile offered = joining.profile();
    own =
        new OwnInfo(
            lan.name(),
            offered == null ? null : offered.named(self, lan.name()),
            joining.measured(),
            slices.holding(),
            joining.options(),
            joining.slo(),
            joining.workload(),
            joining.ends(),
            this::informed);
    aims = new SliceAims(self, model, slices);
    client = new SessionClient(connections, model.vocabularySize());
    callers =
        new CallerSessions(
            client,
            model,
            joining.engine().tokenizer(),
            () -> client.hosted().service(),
            Recovery.PATIENCE);
    client.deliverTo(callers);
    EngineStages stages = new EngineStages(joining.engine());
    kv = new KvExchange(connections, connections::sendBulk, stages, System::nanoTime);
    runner =
        new PlanRunner(
            self,
            joining,
            gate -> new StageHost(connections, stages, gate, kv),
            stages,
            client,
            kv,
            this::run,
            background);
    desk = new PlanDesk(joining.planner(), model, joining.options());
    watch =
        new ClusterWatch(
            connections,
            desk,
            stages,
            own::profile,
            runner::stats,
            this::handoffs,
            this::run,
            background,
            this::now);
    hosts =
        new HostOffers(
            self, joining.ends(), callers, watch, host -> connections.stats(host) != null);
    long incarnation = System.currentTimeMillis() << 8;
    peer = new LocalPeer(self, incarnation, own.info(), ClusterTimers.DEFAULT, this::check, now());
    planRequests = new PlanRequests(peer, own, desk, thread, background);
    view = peer.view();
    status =
        new ClusterStatus(
            joining.cluster().name(),
            self,
            "",
            "",
            "",
            null,
            false,
            "",
            null,
            slices.traffic(),
            handoffs(),
            List.of(),
            List.of());
  }

  /** Begins; connections come later. */
  void start(List<String> addresses) {
    run(
        () -> {
          own.listens(addresses);
          Plan forced = joining.forced();
          if (forced != null) {
            peer.force(PublishedPlans.draft(forced), now());
          }
        });
    slices.onChange(() -> run(this::holdingChanged));
  }

  private void informed(PeerInfo info) {
    peer.info(info, now());
  }

  private void holdingChanged() {
    if (own.holds(slices.holding())) {
      for (View.Member member : peer.view().members().values()) {
        checkModel(member.record());
      }
      aim();
    }
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
  public ClusterStatus.Forecast forecast(Share share) {
    if (share.isNone()) {
      throw new InvalidRequestException(
          "forecast of a share of nothing: say how much, Share.memory(…)");
    }
    DeviceSpeed speed = joining.engine().speed(joining.cluster().folder());
    Nic nic = LanInterface.nic(LanInterface.all());
    return desk.forecast(view, speed.profile(self, lan.name(), share.memoryBytes(), nic));
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
  public OwnShare share() {
    return this;
  }

  @Override
  public void pause() {
    run(() -> own.share(Sharing.PAUSED));
  }

  @Override
  public void resume() {
    run(() -> own.share(Sharing.ACTIVE));
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    callers.close();
    thread.close(() -> peer.leave(now()));
    runner.close();
    planRequests.close();
    background.shutdown();
  }

  // Events of connections; on the net thread.

  @Override
  public void opened(String id, Hello hello) {
    run(
        () -> {
          peer.opened(id, now());
          watch.opened(id);
          offerHosts();
        });
  }

  @Override
  public void received(String id, byte type, ByteBuffer payload) {
    if (StageHost.takes(type)) {
      runner.stages().received(id, type, payload);
    } else if (SessionClient.takes(type)) {
      client.received(id, type, payload);
    } else if (KvExchange.takes(type)) {
      kv.received(id, type, payload);
    } else if (type == StageReports.TYPE) {
      watch.received(id, payload);
    } else if (type >= FrameType.CLUSTER_FIRST && type < FrameType.SESSION_FIRST) {
      Message message = MessageCodec.read(type, payload);
      run(() -> peer.received(id, message, now()));
    } else {
      throw new ProtocolException("frames of type " + FrameType.name(type) + " are not taken here");
    }
  }

  @Override
  public void receivedKv(String id, byte type, ByteBuffer payload) {
    kv.receivedBulk(id, type, payload);
  }

  @Override
  public void closedBulk(String id) {
    kv.lost(id);
  }

  @Override
  public void closed(String id, Throwable why) {
    LOG.log(Level.FINE, "the connection to " + id + " ended", why);
    // Frames may be lost: whatever was under way between the two is started again.
    runner.stages().lost(id);
    kv.gone(id);
    client.hosted().lost(id);
    callers.lost(id);
    run(() -> peer.closed(id, now()));
  }

  // The thread.

  private void run(Runnable event) {
    thread.run(event);
  }

  private long now() {
    return thread.now();
  }

  private final class Work implements ClusterThread.Work {
    @Override
    public void tick() {
      ClusterPeer.this.tick();
    }

    @Override
    public void carryOut() {
      for (List<Effect> effects = peer.takeEffects();
          !effects.isEmpty();
          effects = peer.takeEffects()) {
        for (Effect effect : effects) {
          ClusterThread.guarded(() -> ClusterPeer.this.carryOut(effect));
        }
      }
      view = peer.view();
      status = describe();
    }

    @Override
    public long nextTick() {
      return peer.nextTick();
    }
  }

  private void tick() {
    for (String id : connections.peers()) {
      ConnectionStats stats = connections.stats(id);
      if (stats != null) {
        peer.heard(id, thread.at(stats.lastReceivedNanos()));
      }
    }
    peer.tick(now());
    runner.tick();
    if (own.hangs(runner.stages().isStuck())) {
      tell(new ClusterEvent.Problem("a stage on this device hangs: it serves none until it ends"));
    }
    ClusterWatch.Planned planned = watch.estimates();
    if (planned != null
        && plans.containsKey(planned.plan())
        && hosts.expect(planned.plan(), planned.estimates())) {
      offerHosts();
    }
    Map<String, LinkBook.Figures> links =
        watch.tick(peer.view(), plan(), own.shares(), lan.endpoint());
    if (links != null) {
      own.links(links);
    }
    own.computed(watch.takeResiduals(), now());
    ServingStats serving = runner.stats();
    boolean idle = serving == null || serving.activeSessions() + serving.queued() == 0;
    if (idle && own.wantsMeasurement(now())) {
      measureAgain();
    }
  }

  /** On a thread of its own, since it may take three seconds. */
  private void measureAgain() {
    Thread measures =
        new Thread(
            () -> {
              try {
                DeviceSpeed speed = joining.engine().speed(joining.cluster().folder());
                run(() -> own.measured(speed));
              } catch (E2llmException e) {
                LOG.log(Level.FINE, "this device was not measured again", e);
              }
            },
            "e2llm-measure");
    measures.setDaemon(true);
    measures.start();
  }

  private @Nullable Plan plan() {
    PublishedPlan published = peer.plan();
    return published == null ? null : plans.get(published.order());
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
      checkModel(joined.peer());
      offerHosts();
      aim();
    } else if (effect instanceof Effect.Changed changed) {
      checkModel(changed.peer());
      aim();
    } else if (effect instanceof Effect.Gone gone) {
      gone(gone.peer(), gone.absence());
    } else if (effect instanceof Effect.MakePlan make) {
      planRequests.make(make.number(), make.reasons(), plan());
    } else if (effect instanceof Effect.Adopt adopt) {
      adopt(adopt.plan());
    } else if (effect instanceof Effect.Ready serves) {
      ready(serves.plan());
    } else if (effect instanceof Effect.Retire retire) {
      plans.remove(retire.plan());
      hosts.retire(retire.plan());
    } else if (effect instanceof Effect.Impossible impossible) {
      problem = impossible.reason();
      List<LayerRange> without = Copies.missing(peer.view(), model);
      callers.impossible(
          without.isEmpty()
              ? () -> new DeviceLostException(impossible.reason())
              : () -> new NoCopyException(without));
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
    lan.dial(left, Lane.HOT, () -> run(() -> peer.unreachable(id, now())));
  }

  private void gone(PeerRecord record, Effect.Absence absence) {
    String id = record.id();
    String why =
        absence == Effect.Absence.LEFT
            ? "left"
            : absence == Effect.Absence.LOST ? "lost" : "restarted";
    tell(new ClusterEvent.Left(id, record.info().name(), why));
    runner.stages().lost(id);
    kv.gone(id);
    client.hosted().lost(id);
    offerHosts();
    callers.lost(id);
    watch.retain(peer.view().members().keySet());
    aim();
  }

  /** Another model has no place here: from the next hello on, both refuse each other by name. */
  private void checkModel(PeerRecord record) {
    String ours = slices.holding().modelId();
    String theirs = Copies.of(record).modelId();
    if (!ours.isEmpty() && !theirs.isEmpty() && !ours.equals(theirs)) {
      lan.refusals().refused(record.id(), new ClusterMismatchException("model", ours, theirs));
      connections.drop(record.id(), "model " + ours + " here, " + theirs + " there");
    }
  }

  /** Has this device hold what the plan in force and its standby duty want. */
  private CompletableFuture<Void> aim() {
    View view = peer.view();
    if (aims.note(view) && self.equals(peer.coordinator())) {
      own.planAnew();
    }
    Plan plan = plan();
    return plan == null ? new CompletableFuture<>() : aims.aim(view, plan);
  }

  private void check(PublishedPlan published) {
    PublishedPlans.plan(published, model);
  }

  private void adopt(PublishedPlan published) {
    Plan plan = PublishedPlans.plan(published, model);
    plans.put(plan.order(), plan);
    ready = false;
    problem = "";
    tell(new ClusterEvent.Planned(plan));
    slices.kvPeers(KvPeers.of(plan, self));
    CompletableFuture<Void> bytes = aim();
    bytes.whenComplete(
        (nothing, error) -> {
          if (error != null) {
            run(() -> aims.failed(plan, error));
          }
        });
    runner.adopt(plan, bytes, () -> run(() -> peer.serves(plan.order(), now())));
    offerHosts();
  }

  private void ready(PlanOrder order) {
    Plan plan = plans.get(order);
    if (plan == null) {
      return;
    }
    ready = true;
    runner.ready();
    hosts.use(plan);
    offerHosts();
    tell(new ClusterEvent.Ready(plan));
  }

  private void offerHosts() {
    hosts.offer(peer.view().members().keySet());
  }

  private void tell(ClusterEvent event) {
    LOG.log(Level.CONFIG, event.text());
    try {
      events.accept(event);
    } catch (RuntimeException e) { // the app's own code
      LOG.log(Level.WARNING, "a listener to the cluster threw", e);
    }
  }

  private ClusterStatus describe() {
    Plan plan = plan();
    return new ClusterStatus(
        joining.cluster().name(),
        self,
        slices.holding().modelId(),
        own.address(),
        peer.coordinator(),
        plan,
        ready && plan != null && HostOffers.isWhole(plan, view.members().keySet()),
        problem,
        watch.forecast(),
        slices.traffic(),
        handoffs(),
        watch.peers(view),
        watch.links(view));
  }

  private ClusterStatus.Handoffs handoffs() {
    KvExchange.Counts counts = kv.counts();
    return new ClusterStatus.Handoffs(
        counts.complete(), counts.broken(), counts.sentBytes(), counts.receivedBytes());
  }
}
