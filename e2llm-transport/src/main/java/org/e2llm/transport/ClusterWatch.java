package org.e2llm.transport;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.E2llmException;
import org.e2llm.ServingStats;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOrder;
import org.e2llm.serving.ReplicaEstimates;
import org.e2llm.serving.ReplicaRouter.HostLoad;
import org.e2llm.transport.cluster.PeerRecord;
import org.e2llm.transport.cluster.Sharing;
import org.e2llm.transport.cluster.View;
import org.e2llm.transport.net.Connection;
import org.e2llm.transport.net.ConnectionStats;
import org.e2llm.transport.net.Endpoint;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * What a peer measures of its links and stages, tells others of them, and shows of the cluster.
 * Belongs to the thread of {@link ClusterPeer}, but for {@link #received}.
 */
final class ClusterWatch {
  private static final Logger LOG = Logger.getLogger(ClusterWatch.class.getName());

  private final String self;
  private final PeerConnections connections;
  private final PlanDesk desk;
  private final Executor thread;
  private final Executor background;
  private final Supplier<Long> clock;
  private final LinkBook links;
  private final StageReports reports;
  private long forecastBasis;
  private PlanOrder forecastPlan = PlanOrder.NONE;
  private volatile ClusterStatus.@Nullable Forecast forecast;
  private volatile @Nullable Planned estimates;

  /** What a router may reckon with of a plan. */
  record Planned(PlanOrder plan, ReplicaEstimates estimates) {}

  /**
   * Watches nothing yet.
   *
   * @param profile of this device at the time; null if it shares nothing
   * @param serving what the replica holds that begins here, or null
   * @param handoffs that this device had to do with
   * @param thread of the cluster peer
   * @param background where plans are made
   * @param clock of the thread, in nanoseconds
   */
  ClusterWatch(
      PeerConnections connections,
      PlanDesk desk,
      EngineStages stages,
      Supplier<@Nullable DeviceProfile> profile,
      Supplier<@Nullable ServingStats> serving,
      Supplier<ClusterStatus.Handoffs> handoffs,
      Executor thread,
      Executor background,
      Supplier<Long> clock) {
    this.self = connections.self();
    this.connections = connections;
    this.desk = desk;
    this.thread = thread;
    this.background = background;
    this.clock = clock;
    this.links = new LinkBook(self);
    this.reports =
        new StageReports(
            self,
            new StageReports.Here() {
              @Override
              public @Nullable DeviceProfile profile() {
                return profile.get();
              }

              @Override
              public StageMeter meter(LayerRange layers) {
                return stages.meter(layers);
              }

              @Override
              public @Nullable ServingStats serving() {
                return serving.get();
              }

              @Override
              public ClusterStatus.Handoffs handoffs() {
                return handoffs.get();
              }

              @Override
              public @Nullable ConnectionStats connection(String peer) {
                return connections.stats(peer);
              }
            },
            desk::stepSeconds);
  }

  /** A connection to the peer is there. */
  void opened(String peer) {
    links.opened(peer);
    FieldWriter report = reports.current();
    if (report != null) {
      connections.send(peer, StageReports.TYPE, report.payload(), null);
    }
  }

  /** A frame of {@link StageReports#TYPE}; any thread. */
  void received(String peer, ByteBuffer payload) {
    reports.received(peer, payload);
  }

  /** Forgets all but these. */
  void retain(Set<String> peers) {
    links.retain(peers);
    reports.retain(peers);
  }

  /**
   * To be called often.
   *
   * @param plan in force, or null
   * @param shares whether plans use the links of this device
   * @return what is to be said of its links from now on, by peer; null if nothing has changed
   */
  @Nullable Map<String, LinkBook.Figures> tick(
      View view, @Nullable Plan plan, boolean shares, Endpoint endpoint) {
    for (String id : connections.peers()) {
      ConnectionStats stats = connections.stats(id);
      if (stats != null) {
        links.observe(id, stats, clock.get());
      }
    }
    report(plan);
    foresee(view, plan);
    if (!shares) {
      return null;
    }
    probe(view, endpoint);
    Map<String, LinkBook.Figures> news = links.takeNews();
    if (news != null) {
      LOG.log(Level.CONFIG, "links were measured: {0}", news);
    }
    return news;
  }

  /** See {@link StageReports#takeResiduals}. */
  StageReports.Residuals takeResiduals() {
    return reports.takeResiduals();
  }

  /** Tells others what the stage here does. */
  private void report(@Nullable Plan plan) {
    FieldWriter report = reports.tick(plan, clock.get());
    if (report != null) {
      ByteBuffer payload = report.payload();
      for (String id : connections.peers()) {
        connections.send(id, StageReports.TYPE, payload.duplicate(), null);
      }
    }
  }

  /** Reckons again what is to be expected, when the plan or what it was made for has changed. */
  private void foresee(View view, @Nullable Plan plan) {
    if (plan == null || (plan.order().equals(forecastPlan) && view.basis() == forecastBasis)) {
      return;
    }
    forecastPlan = plan.order();
    forecastBasis = view.basis();
    background.execute(
        () -> {
          try {
            ClusterStatus.Forecast found = desk.forecast(view, plan, self);
            forecast = found;
            LOG.log(Level.CONFIG, "forecast: {0}", found.text());
          } catch (E2llmException e) {
            LOG.log(Level.FINE, "no forecast", e);
          }
          if (plan.replicas().size() > 1) {
            estimate(view, plan);
          }
        });
  }

  private void estimate(View view, Plan plan) {
    try {
      estimates = new Planned(plan.order(), desk.estimates(view, plan));
    } catch (E2llmException e) { // such as a device of the plan that has just gone
      LOG.log(Level.FINE, "what was known of the replicas stays", e);
    }
  }

  /** Of the plan looked at last that has several replicas; null before there is one. */
  @Nullable Planned estimates() {
    return estimates;
  }

  /** What the replica of a host has to do, as it said last. Any thread. */
  HostLoad load(String host) {
    ClusterStatus.StageLoad load = host.equals(self) ? reports.own() : reports.of(host);
    return load == null ? HostLoad.NONE : new HostLoad(load.sessions(), load.queued());
  }

  /** Measures a link that plans may use, if it is time. */
  private void probe(View view, Endpoint endpoint) {
    Set<String> sharing = new TreeSet<>();
    for (View.Member member : view.members().values()) {
      String id = member.record().id();
      if (member.direct() && !id.equals(self) && member.record().info().sharing() != Sharing.NONE) {
        sharing.add(id);
      }
    }
    String next = links.probe(sharing, clock.get());
    if (next == null) {
      return;
    }
    Connection connection = connections.connection(next);
    if (connection == null) {
      links.failed(next, clock.get());
      return;
    }
    endpoint
        .measure(connection)
        .whenComplete(
            (estimate, error) ->
                thread.execute(
                    () -> {
                      if (error == null) {
                        links.probed(next, estimate, clock.get());
                      } else {
                        links.failed(next, clock.get());
                      }
                    }));
  }

  // What is shown.

  /** What is expected of the plan in force; null before it is known. */
  ClusterStatus.@Nullable Forecast forecast() {
    return forecast;
  }

  /** All who are there. */
  List<ClusterStatus.Peer> peers(View view) {
    List<ClusterStatus.Peer> all = new ArrayList<>();
    for (View.Member member : view.members().values()) {
      PeerRecord record = member.record();
      PeerDetails details = details(record);
      ConnectionStats stats = connections.stats(record.id());
      all.add(
          new ClusterStatus.Peer(
              record.id(),
              record.info().name(),
              record.info().addresses(),
              details == null ? null : details.profile(),
              details != null && details.holding().full(),
              details == null ? List.of() : details.holding().layers(),
              member.direct(),
              stats == null ? 0 : stats.bytesSent(),
              stats == null ? 0 : stats.bytesReceived(),
              stats == null ? 0 : stats.rttNanos() * 1e-9,
              record.id().equals(self) ? reports.own() : reports.of(record.id())));
    }
    return all;
  }

  /** Each link once: as its lower end has measured it, which is the one that probes. */
  List<LinkProfile> links(View view) {
    List<LinkProfile> all = new ArrayList<>();
    for (View.Member member : view.members().values()) {
      PeerDetails details = details(member.record());
      if (details != null) {
        String id = member.record().id();
        details.links().forEach((to, link) -> add(all, view, id, to, link));
      }
    }
    return all;
  }

  private static void add(
      List<LinkProfile> all, View view, String a, String b, LinkBook.Figures link) {
    boolean known = all.stream().anyMatch(each -> each.a().equals(b) && each.b().equals(a));
    if (!known && !a.equals(b) && view.linked(a, b)) {
      all.add(new LinkProfile(a, b, link.bytesPerSecond(), link.latencySeconds(), null));
    }
  }

  private static @Nullable PeerDetails details(PeerRecord record) {
    try {
      return PeerDetails.read(record.info().details());
    } catch (E2llmException e) {
      return null;
    }
  }
}
