package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.planner.cost.ByteSize;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.grouping.Arrangement;
import org.e2llm.planner.grouping.Member;
import org.e2llm.planner.grouping.ReplicaEstimate;
import org.e2llm.planner.grouping.ReplicaEstimator;
import org.e2llm.planner.grouping.Roles;
import org.e2llm.planner.grouping.SearchSpace;
import org.jspecify.annotations.Nullable;

/** Says why each device has its place, in figures: what it does there, or what it would change. */
final class Reasons {
  private final Question question;
  private final SearchSpace space;
  private final Arrangement arrangement;
  private final List<Member> members;
  private final @Nullable Roles roles;

  /** The best that a kind of device could add, for kinds asked about before. */
  private final Map<Integer, String> byKind = new HashMap<>();

  Reasons(Question question, Arrangement arrangement, List<Member> members, @Nullable Roles roles) {
    this.question = question;
    this.space = question.space();
    this.arrangement = arrangement;
    this.members = members;
    this.roles = roles;
  }

  /** Why a stage is where it is; replicas are counted from 1, as people do. */
  String placed(int replica, int stage) {
    Member member = members.get(replica);
    LayerRange layers = member.layers().get(stage);
    String id = space.network().device(member.devices()[stage]).id();
    StringBuilder text = new StringBuilder();
    text.append(member.role()).append(" replica ").append(replica + 1).append(": ");
    text.append(role(member));
    if (question.options().pins().containsKey(id)) {
      text.append("; pinned to layers ").append(layers);
    } else if (member.devices().length == 1) {
      text.append("; holds the whole model");
    } else {
      text.append("; ").append(share(member, stage));
    }
    return text.append('.').toString();
  }

  private String role(Member member) {
    ReplicaEstimate estimate = member.estimate();
    if (member.role() == Role.MIXED) {
      return number(estimate.mixedRate()) + " requests/s, both phases without moving the KV cache";
    }
    return number(estimate.prefillRate())
        + " prompts/s or "
        + number(estimate.decodeRate())
        + " answers/s (ratio "
        + number(estimate.prefillRate() / estimate.decodeRate())
        + ", the plan's is "
        + number(planRatio())
        + ")";
  }

  /** Prompts against answers over all replicas: who is above it is better at prompts. */
  private double planRatio() {
    double prompts = 0;
    double answers = 0;
    for (Member member : members) {
      prompts += member.estimate().prefillRate();
      answers += member.estimate().decodeRate();
    }
    return prompts / answers;
  }

  private String share(Member member, int stage) {
    ReplicaEstimator estimator = space.estimator();
    double busiest = 0;
    for (int i = 0; i < member.devices().length; i++) {
      busiest = Math.max(busiest, busy(estimator, member, i));
    }
    LayerRange layers = member.layers().get(stage);
    return layers.size()
        + " of "
        + space.cost().model().layerCount()
        + " layers keep it busy "
        + Math.round(100 * busy(estimator, member, stage) / busiest)
        + " % of the time of the replica's slowest stage";
  }

  private static double busy(ReplicaEstimator estimator, Member member, int stage) {
    return estimator.busySeconds(
        member.devices()[stage],
        member.layers().get(stage),
        member.estimate().batch(),
        member.role());
  }

  /** Why a device has no stage. */
  String leftOut(int device) {
    String unusable = question.unusable().get(device);
    if (unusable != null) {
      return unusable;
    }
    return byKind.computeIfAbsent(space.kind(device), kind -> bestUse(device));
  }

  private String bestUse(int device) {
    String alone = alone(device);
    if (roles == null) {
      return "Left over: " + alone + ", and with its like it makes no machine.";
    }
    double highest = 0;
    int best = -1;
    for (int m = 0; m < members.size(); m++) {
      Arrangement with = roles.assign(space, groupsWith(m, device));
      if (with.capacity() > highest) {
        highest = with.capacity();
        best = m;
      }
    }
    if (best < 0) {
      return "No use for it was found: " + alone + ".";
    }
    return "Left out: " + alone + "; in replica " + (best + 1) + " " + change(highest) + ".";
  }

  private String change(double capacity) {
    if (question.latencyCounts()) {
      return "a mean request would take "
          + number(1 / capacity)
          + " s instead of "
          + number(1 / arrangement.capacity())
          + " s";
    }
    return Math.abs(capacity / arrangement.capacity() - 1) < 0.005
        ? "it would change nothing, the plan does " + number(capacity) + " requests/s either way"
        : "the plan would do "
            + number(capacity)
            + " requests/s instead of "
            + number(arrangement.capacity());
  }

  private String alone(int device) {
    DeviceProfile profile = space.network().device(device);
    PlannedModel model = space.cost().model();
    long need = model.memoryBytes(0, model.layerCount(), space.demand().largest());
    if (profile.memoryBytes() < need) {
      return "its "
          + ByteSize.text(profile.memoryBytes())
          + " do not hold the model's "
          + ByteSize.text(need);
    }
    ReplicaEstimate estimate =
        space
            .estimator()
            .estimate(
                new int[] {device}, List.of(LayerRange.of(0, model.layerCount())), Role.MIXED);
    return "alone it would do " + number(estimate.mixedRate()) + " requests/s";
  }

  private List<int[]> groupsWith(int into, int device) {
    List<int[]> groups = new ArrayList<>();
    for (int m = 0; m < members.size(); m++) {
      groups.add(
          m == into ? space.inserted(members.get(m).devices(), device) : members.get(m).devices());
    }
    return groups;
  }

  private static String number(double value) {
    return value >= 10
        ? String.format(Locale.ROOT, "%.1f", value)
        : String.format(Locale.ROOT, "%.3g", value);
  }
}
