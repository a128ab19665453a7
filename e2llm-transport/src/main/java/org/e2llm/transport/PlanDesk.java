package org.e2llm.transport;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.e2llm.E2llmException;
import org.e2llm.InfeasiblePlanException;
import org.e2llm.cluster.NoCopyException;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.spi.PlannerProvider;
import org.e2llm.transport.cluster.Sharing;
import org.e2llm.transport.cluster.View;
import org.jspecify.annotations.Nullable;

/** Makes plans for those who are there: what they said of themselves becomes a fleet. */
final class PlanDesk {
  /** What plans are made for as long as nobody says otherwise: one chat at a time. */
  private static final Workload ONE_SESSION =
      Workload.concurrent(List.of(new Workload.Lengths(256, 256)), 1);

  /** The same with a few at a time, where the app asks for throughput. */
  private static final Workload MANY_SESSIONS =
      Workload.concurrent(List.of(new Workload.Lengths(256, 256)), 8);

  private final PlannerProvider planner;
  private final ModelSpec model;
  private final PlanOptions options;

  PlanDesk(PlannerProvider planner, ModelSpec model, PlanOptions options) {
    this.planner = planner;
    this.model = model;
    this.options = options;
  }

  /**
   * A plan for the view.
   *
   * @return null as long as nobody knows which model it is
   * @throws E2llmException by cause: no plan is possible, a wish cannot be met
   */
  @Nullable Plan plan(View view, PlanListener listener) {
    if (Copies.isUnknown(view)) {
      return null;
    }
    List<LayerRange> missing = Copies.missing(view, model);
    if (!missing.isEmpty()) {
      throw new NoCopyException(missing);
    }
    Fleet fleet = fleet(view);
    return planner.plan(model, fleet, workload(), Slo.NONE, options(view, fleet), listener);
  }

  /** Checks a plan of the app's own, as far as that can be done before its devices are there. */
  Plan judge(Plan own, View view) {
    Fleet fleet = fleet(view);
    return planner.judge(own, model, fleet, workload(), Slo.NONE, options(view, fleet));
  }

  private Workload workload() {
    return options.throughput() ? MANY_SESSIONS : ONE_SESSION;
  }

  private static Fleet fleet(View view) {
    List<DeviceProfile> devices = new ArrayList<>();
    List<String> ids = new ArrayList<>();
    String modelId = Copies.modelId(view);
    for (View.Member member : view.members().values()) {
      DeviceProfile profile = profile(member, modelId);
      if (profile != null) {
        devices.add(profile);
        ids.add(profile.id());
      }
    }
    if (devices.isEmpty()) {
      throw new InfeasiblePlanException(
          "none of the "
              + view.members().size()
              + " devices that are there shares memory: start one with a share",
          0);
    }
    List<LinkProfile> broken = new ArrayList<>();
    for (int a = 0; a < ids.size(); a++) {
      for (int b = a + 1; b < ids.size(); b++) {
        if (!view.linked(ids.get(a), ids.get(b))) {
          broken.add(LinkProfile.none(ids.get(a), ids.get(b)));
        }
      }
    }
    return new Fleet("cluster", devices, broken);
  }

  /**
   * Null if it hosts nothing now, has or knows no such model, or says what cannot be. A device
   * without the file holds no more in memory than its disk has room for: weights are mapped.
   */
  private static @Nullable DeviceProfile profile(View.Member member, String modelId) {
    if (member.record().info().sharing() != Sharing.ACTIVE) {
      return null;
    }
    try {
      PeerDetails details = PeerDetails.read(member.record().info().details());
      DeviceProfile profile = details.profile();
      Holding holding = details.holding();
      // A peer speaks for itself only.
      if (profile == null
          || !profile.id().equals(member.record().id())
          || !holding.modelId().equals(modelId)) {
        return null;
      }
      return holding.full() || holding.diskBytes() >= profile.memoryBytes()
          ? profile
          : withMemory(profile, holding.diskBytes());
    } catch (E2llmException e) {
      return null;
    }
  }

  private static @Nullable DeviceProfile withMemory(DeviceProfile profile, long bytes) {
    return bytes < 1
        ? null
        : new DeviceProfile(
            profile.id(),
            profile.name(),
            profile.prefillFlops(),
            profile.decodeFlops(),
            profile.memoryBandwidth(),
            profile.stepSeconds(),
            bytes,
            profile.fma(),
            profile.nic());
  }

  /** The wishes of all apps that are there; where two pin the same device, the lower id's wins. */
  private PlanOptions options(View view, Fleet fleet) {
    Map<String, LayerRange> pins = new HashMap<>();
    Set<String> excluded = new HashSet<>();
    Set<String> preferred = new HashSet<>();
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
    }
    PlanOptions.Builder built =
        PlanOptions.builder()
            .strategy(options.throughput() ? "replicas" : "single-pipeline")
            .seed(options.seed())
            .kvType(options.kvType())
            .arithmetic(options.arithmetic())
            .contextLength(options.contextLength())
            .throughput(options.throughput())
            .mixFma(options.mixFma());
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
}
