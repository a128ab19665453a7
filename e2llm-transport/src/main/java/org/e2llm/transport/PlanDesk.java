package org.e2llm.transport;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.E2llmException;
import org.e2llm.InfeasiblePlanException;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.NoCopyException;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.KeptEnds;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Network;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.StepWork;
import org.e2llm.plan.Workload;
import org.e2llm.serving.ReplicaEstimates;
import org.e2llm.spi.PlannerProvider;
import org.e2llm.transport.cluster.Sharing;
import org.e2llm.transport.cluster.View;
import org.jspecify.annotations.Nullable;

/**
 * Makes plans for those who are there: what they said of themselves and of their links becomes a
 * fleet. Says what is to be expected of a plan, and of each device without the others.
 */
final class PlanDesk {
  private static final Logger LOG = Logger.getLogger(PlanDesk.class.getName());

  /**
   * A plan gives way to one that is this much better: moving has its price, and what is measured
   * wavers.
   */
  private static final double GAIN = 0.1;

  /** Of a device that the best plan uses, where moving to it does not pay. */
  private static final String TOO_LITTLE =
      "Left out: a plan with it is too little better to move for.";

  private final PlannerProvider planner;
  private final ModelSpec model;
  private final PlanOptions options;
  private final Chats chats;

  PlanDesk(PlannerProvider planner, ModelSpec model, PlanOptions options) {
    this.planner = planner;
    this.model = model;
    this.options = options;
    int context = options.contextLength();
    chats = Chats.within(context == 0 ? model.contextLength() : context);
  }

  /**
   * An answer.
   *
   * @param forNow it serves at once, and a better one is known that has to fetch layers first: the
   *     desk wants to be asked again soon
   */
  record Answer(Plan plan, boolean forNow) {}

  /**
   * A plan for the view.
   *
   * @param last the plan in force, whether it works or not, or null
   * @param forced whether an app made it
   * @param wished whether wishes have changed since it was made
   * @param listener is asked whether the answer is still wanted
   * @return {@code last} if no other is so much better that moving pays, with reasons for those who
   *     came since, and what apps state now; null as long as nobody knows which model it is
   * @throws E2llmException by cause: no plan is possible, a wish cannot be met
   */
  @Nullable Answer plan(
      View view, @Nullable Plan last, boolean forced, boolean wished, PlanListener listener) {
    if (Copies.isUnknown(view)) {
      return null;
    }
    List<LayerRange> missing = Copies.missing(view, model);
    if (!missing.isEmpty()) {
      throw new NoCopyException(missing);
    }
    Fleet fleet = fleet(view);
    PlanOptions wishes = options(view, fleet);
    Workload workload = expected(view, wishes.throughput());
    if (last == null || wished) {
      return new Answer(made(view, fleet, workload, wishes, listener), false);
    }
    Plan kept = forced ? last : StatedSlo.keptBy(last, StatedSlo.of(view));
    Plan before = judged(kept, fleet, workload, wishes);
    if (before == null) {
      return soonest(view, kept, fleet, workload, wishes, listener);
    }
    Plan made = made(view, fleet, workload, wishes, listener);
    boolean moves =
        forced
            || pays(made, before, fleet, workload, wishes)
            || (!devices(made).equals(devices(kept)) && sameWork(made, before));
    boolean saysAll = devices(before).equals(devices(kept));
    return new Answer(moves ? made : saysAll ? kept : saysAll(before, kept, made), false);
  }

  /**
   * As the strategy has it, but for what is not so here: the DECODE replica is chosen when a
   * request comes. Routers and hosts keep in view what apps state.
   */
  private Plan made(
      View view, Fleet fleet, Workload workload, PlanOptions wishes, PlanListener listener) {
    Slo slo = StatedSlo.of(view);
    Plan plan =
        planner.plan(model, fleet, workload, StatedSlo.counts(slo, wishes), wishes, listener);
    return StatedSlo.keptBy(plan.withPolicy(plan.policy().boundAtOnce()), slo);
  }

  /** The plan before goes on, and says of those who came since why they have no part in it. */
  private static Plan saysAll(Plan before, Plan last, Plan made) {
    Map<String, Placement> said = new HashMap<>();
    for (Placement each : made.placements()) {
      Placement no = new Placement(each.device(), false, TOO_LITTLE);
      said.put(each.device(), each.placed() ? no : each);
    }
    last.placements().forEach(each -> said.put(each.device(), each));
    List<Placement> placements = new ArrayList<>();
    for (Placement each : before.placements()) {
      placements.add(said.getOrDefault(each.device(), each));
    }
    return before.with(before.replicas(), placements);
  }

  /** Null if it does not fit who is there. */
  private @Nullable Plan judged(Plan plan, Fleet fleet, Workload workload, PlanOptions wishes) {
    try {
      Slo slo = StatedSlo.counts(plan.policy().slo(), wishes);
      return planner.judge(plan, model, fleet, workload, slo, wishes);
    } catch (E2llmException e) {
      return null;
    }
  }

  /**
   * Devices of the plan before are gone. Sessions wait, so what serves at once comes first; and
   * where those that are left keep their layers, sessions need not be computed again. So the best
   * that mends the plan before comes before a new one that has to fetch, or is hardly better; and
   * before one that it would take seconds to search for.
   */
  private Answer soonest(
      View view,
      Plan broken,
      Fleet fleet,
      Workload workload,
      PlanOptions wishes,
      PlanListener listener) {
    Map<String, Holding> there = new HashMap<>();
    fleet.devices().forEach(device -> there.put(device.id(), Holding.NONE));
    for (View.Member member : view.members().values()) {
      there.replace(member.record().id(), Copies.of(member.record()));
    }
    Plan best = null;
    for (Plan mended : PlanPatch.of(broken, there)) {
      Plan fits = judged(mended, fleet, workload, wishes);
      boolean better =
          fits != null
              && (best == null
                  || value(fits, wishes.throughput()) > value(best, wishes.throughput()));
      best = better ? fits : best;
    }
    if (best != null && wishes.throughput()) {
      return new Answer(best, true);
    }
    Plan made = made(view, fleet, workload, wishes, listener);
    boolean fetches = !PlanPatch.servesAtOnce(made, there);
    return best == null || (!fetches && pays(made, best, fleet, workload, wishes))
        ? new Answer(made, false)
        : new Answer(best, fetches);
  }

  /**
   * Whether moving to the plan pays: with many requests at a time, by simulation. Who asks for no
   * throughput is never left with a chain that is slower than one device: there any gain counts.
   */
  private boolean pays(Plan made, Plan before, Fleet fleet, Workload workload, PlanOptions wishes) {
    if (sameWork(made, before)) {
      return false;
    }
    if (wishes.throughput()) {
      Slo slo = StatedSlo.counts(made.policy().slo(), wishes);
      double[] costs = planner.compare(List.of(made, before), model, fleet, workload, slo, wishes);
      return costs[0] * (1 + GAIN) < costs[1];
    }
    boolean backToOne = isChain(before) && !isChain(made);
    return value(made, false) > value(before, false) * (backToOne ? 1 : 1 + GAIN);
  }

  /** Whether only reasons and expectations differ. */
  private static boolean sameWork(Plan a, Plan b) {
    return work(a).equals(work(b)) && a.wire().equals(b.wire()) && a.policy().equals(b.policy());
  }

  private static List<Object> work(Plan plan) {
    List<Object> work = new ArrayList<>();
    for (ReplicaPlan replica : plan.replicas()) {
      work.add(replica.role());
      work.add(replica.stages());
    }
    return work;
  }

  private static Set<String> devices(Plan plan) {
    Set<String> devices = new HashSet<>();
    plan.placements().forEach(placement -> devices.add(placement.device()));
    return devices;
  }

  private static boolean isChain(Plan plan) {
    return plan.replicas().stream().anyMatch(replica -> replica.stages().size() > 1);
  }

  /**
   * The more the better: requests per second in all, or of one session by itself. Where there are
   * roles, a request needs both of them.
   */
  private double value(Plan plan, boolean throughput) {
    double mixed = 0;
    double prompts = 0;
    double answers = 0;
    double most = 0;
    for (ReplicaPlan replica : plan.replicas()) {
      ReplicaPlan.Expected expected = replica.expected();
      double rate = expected.requestsPerSecond();
      mixed += replica.role() == Role.MIXED ? rate : 0;
      prompts += replica.role() == Role.PREFILL ? rate : 0;
      answers += replica.role() == Role.DECODE ? rate : 0;
      double seconds = expected.ttftSeconds() + (chats.answer() - 1) * expected.tpotSeconds();
      most = Math.max(most, 1 / seconds);
    }
    return throughput ? mixed + Math.min(prompts, answers) : most;
  }

  /**
   * What one session at a time is to expect of the plan, and of single devices.
   *
   * @param self id of this device
   */
  ClusterStatus.Forecast forecast(View view, Plan plan, String self) {
    return forecast(fleet(view), plan, self);
  }

  /**
   * The same for the plan that would be made if a device shared what this profile says.
   *
   * @throws E2llmException by cause: no plan would be possible, a wish could not be met
   */
  ClusterStatus.Forecast forecast(View view, DeviceProfile joining) {
    Fleet fleet = fleet(view, joining);
    PlanOptions wishes = options(view, fleet);
    Workload workload = expected(view, wishes.throughput());
    Plan plan = made(view, fleet, workload, wishes, PlanListener.NONE);
    return forecast(fleet, plan, joining.id());
  }

  private ClusterStatus.Forecast forecast(Fleet fleet, Plan plan, String self) {
    String best = "";
    double fastest = 0;
    double own = 0;
    for (DeviceProfile device : fleet.devices()) {
      double alone = tokensPerSecond(fleet, alone(plan, device.id()));
      if (alone > fastest) {
        fastest = alone;
        best = device.id();
      }
      own = device.id().equals(self) ? alone : own;
    }
    return new ClusterStatus.Forecast(own, best, fastest, tokensPerSecond(fleet, plan));
  }

  private Plan alone(Plan like, String device) {
    ReplicaPlan all =
        new ReplicaPlan(
            Role.MIXED,
            List.of(new StagePlan(device, model.layers())),
            1,
            new ReplicaPlan.Expected(0, 0, 0, 0));
    Placement here = new Placement(device, true, "alone");
    return new Plan(
        like.order(), like.model(), "own", like.wire(), like.policy(), List.of(all), List.of(here));
  }

  /** Of the fastest replica, one session at a time; 0 if the plan does not fit. */
  private double tokensPerSecond(Fleet fleet, Plan plan) {
    try {
      PlanOptions free = base(false).build();
      Plan judged = planner.judge(plan, model, fleet, chats.one(), Slo.NONE, free);
      double most = 0;
      for (ReplicaPlan replica : judged.replicas()) {
        most = Math.max(most, 1 / replica.expected().tpotSeconds());
      }
      return most;
    } catch (E2llmException e) {
      return 0;
    }
  }

  /**
   * What a router may reckon with of the plan. Where it does not fit the devices that are there, as
   * a plan that an app forces may not, what it says itself counts.
   */
  ReplicaEstimates estimates(View view, Plan plan) {
    Fleet fleet = fleet(view);
    Workload one = expected(view, false);
    Plan judged = plan;
    try {
      judged = planner.judge(plan, model, fleet, one, Slo.NONE, base(false).build());
    } catch (E2llmException e) {
      LOG.log(Level.FINE, "the plan's own expectations count", e);
    }
    int prompt = Math.max(1, (int) one.meanPrompt());
    int answer = Math.max(1, (int) one.meanOutput());
    return new PlannedEstimates(judged, model, new Network(fleet), prompt, answer);
  }

  /** Seconds that a step of the layers should take on the device. */
  double stepSeconds(DeviceProfile device, LayerRange layers, StepWork step) {
    return planner.stepSeconds(model, device, layers, base(false).build(), step);
  }

  private Workload expected(View view, boolean many) {
    return chats.expected(StatedWorkload.of(view), many);
  }

  private static Fleet fleet(View view) {
    return fleet(view, null);
  }

  /**
   * Those who share.
   *
   * @param joining is to share as well, or another way; null if nobody is
   */
  private static Fleet fleet(View view, @Nullable DeviceProfile joining) {
    List<DeviceProfile> devices = new ArrayList<>();
    Map<String, Map<String, LinkBook.Figures>> told = new HashMap<>();
    String modelId = Copies.modelId(view);
    for (View.Member member : view.members().values()) {
      PeerDetails details = details(member, modelId);
      DeviceProfile profile = details == null ? null : profile(details);
      if (details != null && profile != null) {
        devices.add(profile);
        told.put(profile.id(), details.links());
      }
    }
    if (joining != null) {
      devices.removeIf(device -> device.id().equals(joining.id()));
      devices.add(joining);
    }
    if (devices.isEmpty()) {
      throw new InfeasiblePlanException(
          "none of the "
              + view.members().size()
              + " devices that are there shares memory: start one with a share",
          0);
    }
    List<LinkProfile> links = new ArrayList<>();
    for (int a = 0; a < devices.size(); a++) {
      for (int b = a + 1; b < devices.size(); b++) {
        String one = devices.get(a).id();
        String other = devices.get(b).id();
        if (!view.linked(one, other)) {
          links.add(LinkProfile.none(one, other));
          continue;
        }
        LinkProfile link =
            link(
                devices.get(a),
                devices.get(b),
                known(told, one).get(other),
                known(told, other).get(one));
        if (link != null) {
          links.add(link);
        }
      }
    }
    return new Fleet("cluster", devices, links);
  }

  private static Map<String, LinkBook.Figures> known(
      Map<String, Map<String, LinkBook.Figures>> told, String peer) {
    return told.getOrDefault(peer, Map.of());
  }

  /**
   * What both say of their link: the slower rate, the longer latency. Null if neither has measured
   * it; then the interfaces count.
   */
  static @Nullable LinkProfile link(
      DeviceProfile a,
      DeviceProfile b,
      LinkBook.@Nullable Figures there,
      LinkBook.@Nullable Figures back) {
    if (there == null && back == null) {
      return null;
    }
    double rate = Double.POSITIVE_INFINITY;
    double latency = 0;
    for (LinkBook.@Nullable Figures each : Arrays.asList(there, back)) {
      if (each != null) {
        rate = Math.min(rate, each.bytesPerSecond());
        latency = Math.max(latency, each.latencySeconds());
      }
    }
    String medium = a.nic().medium() != null ? a.nic().medium() : b.nic().medium();
    return new LinkProfile(a.id(), b.id(), rate, latency, medium);
  }

  /** Null if it hosts nothing now, has or knows no such model, or says what cannot be. */
  private static @Nullable PeerDetails details(View.Member member, String modelId) {
    if (member.record().info().sharing() != Sharing.ACTIVE) {
      return null;
    }
    try {
      PeerDetails details = PeerDetails.read(member.record().info().details());
      DeviceProfile profile = details.profile();
      // A peer speaks for itself only.
      return profile != null
              && profile.id().equals(member.record().id())
              && details.holding().modelId().equals(modelId)
          ? details
          : null;
    } catch (E2llmException e) {
      return null;
    }
  }

  /**
   * A device without the file holds no more in memory than its disk has room for: weights are
   * mapped.
   */
  private static @Nullable DeviceProfile profile(PeerDetails details) {
    DeviceProfile profile = details.profile();
    Holding holding = details.holding();
    return profile == null || holding.full() || holding.diskBytes() >= profile.memoryBytes()
        ? profile
        : withMemory(profile, holding.diskBytes());
  }

  private static @Nullable DeviceProfile withMemory(DeviceProfile profile, long bytes) {
    return bytes < 1 ? null : profile.withMemory(bytes);
  }

  /**
   * The wishes of all apps that are there; where two pin the same device, or keep the ends of the
   * model, the lower id's wins. One that asks for throughput is enough.
   */
  private PlanOptions options(View view, Fleet fleet) {
    Map<String, LayerRange> pins = new HashMap<>();
    Set<String> excluded = new HashSet<>();
    Set<String> preferred = new HashSet<>();
    TreeMap<String, KeptEnds> ends = new TreeMap<>();
    boolean throughput = false;
    for (View.Member member : view.members().values()) {
      PeerDetails details;
      try {
        details = PeerDetails.read(member.record().info().details());
      } catch (E2llmException e) {
        continue; // its profile is not used either
      }
      details.pins().forEach(pins::putIfAbsent);
      excluded.addAll(details.excluded());
      preferred.addAll(details.preferred());
      throughput |= details.throughput();
      if (details.ends() != null) {
        ends.put(member.record().id(), details.ends());
      }
    }
    PlanOptions.Builder built = base(throughput);
    ends.keySet().removeAll(excluded);
    ends.keySet().removeIf(id -> !fleet.has(id));
    Map.Entry<String, KeptEnds> keeps = ends.firstEntry();
    if (keeps != null) {
      built.keepEnds(keeps.getKey(), keeps.getValue());
      pins.remove(keeps.getKey());
    }
    for (DeviceProfile device : fleet.devices()) {
      String id = device.id();
      if (excluded.contains(id)) {
        built.exclude(id);
        continue;
      }
      if (preferred.contains(id)) {
        built.prefer(id);
      }
      if (pins.containsKey(id)) {
        built.pin(id, pins.get(id));
      }
    }
    return built.build();
  }

  /**
   * One session at a time has one replica, whatever strategy the app names. Where throughput
   * counts, the app's strategy is used as it is.
   */
  private String strategy(boolean throughput) {
    return throughput ? options.strategy() : "single-pipeline";
  }

  /** Without wishes about devices. */
  private PlanOptions.Builder base(boolean throughput) {
    return PlanOptions.builder()
        .strategy(strategy(throughput))
        .seed(options.seed())
        .kvType(options.kvType())
        .arithmetic(options.arithmetic())
        .contextLength(options.contextLength())
        .throughput(throughput)
        .mixFma(options.mixFma());
  }
}
