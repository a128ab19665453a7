package org.e2llm.transport.stage;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.StagePlan;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;

/**
 * One replica as it is set up on its devices: what frames between its stages name by {@link #id}. A
 * host that sets a replica up again, after a loss or a new plan, takes a new id, so that whatever
 * is still under way of the old one is refused.
 *
 * @param id random, never used before
 * @param plan that it serves
 * @param stages in order; the first one's device is the host, which may have the last one too
 * @param hidden how hidden states go from stage to stage, as the plan says
 * @param replaces a ring of which the host was part, and which is over even where nobody has heard
 *     so yet; 0 for none
 */
public record Ring(
    long id, PlanOrder plan, List<StagePlan> stages, HiddenType hidden, long replaces) {
  private static final int MOST_STAGES = 1024;

  public Ring {
    stages = List.copyOf(stages);
    if (stages.isEmpty()) {
      throw new IllegalArgumentException("a ring without stages");
    }
  }

  /** In the place of none. */
  public Ring(long id, PlanOrder plan, List<StagePlan> stages, HiddenType hidden) {
    this(id, plan, stages, hidden, 0);
  }

  /** The same, in the place of another one. */
  Ring replacing(long before) {
    return new Ring(id, plan, stages, hidden, before);
  }

  public String host() {
    return stages.get(0).device();
  }

  public String last() {
    return stages.get(stages.size() - 1).device();
  }

  /** Whether one device has both ends, so that no other may see tokens. */
  boolean keepsEnds() {
    return stages.size() > 1 && host().equals(last());
  }

  /** Whether {@code peer} has a stage here. */
  public boolean has(String peer) {
    return index(peer) >= 0;
  }

  /**
   * The device's place, or -1. Of a host that has the last stage too, that one: frames of the ring
   * never say which stage of a device they are for, and to the first one only results are sent.
   */
  int index(String peer) {
    for (int i = stages.size() - 1; i >= 0; i--) {
      if (stages.get(i).device().equals(peer)) {
        return i;
      }
    }
    return -1;
  }

  /** Whether a stage of just these layers is on the device. */
  boolean gives(String device, LayerRange layers) {
    return stages.contains(new StagePlan(device, layers));
  }

  /** By place in the ring, how many layers each stage has. */
  int[] sizes() {
    return stages.stream().mapToInt(stage -> stage.layers().size()).toArray();
  }

  void write(FieldWriter out) {
    out.i64(id).i64(replaces);
    out.i64(plan.counter()).string(plan.coordinator()).string(plan.hash());
    out.choice(hidden);
    writeStages(out, stages);
  }

  static void writeStages(FieldWriter out, List<StagePlan> stages) {
    out.count(stages.size());
    for (StagePlan stage : stages) {
      out.string(stage.device()).i32(stage.layers().from()).i32(stage.layers().to());
    }
  }

  static Ring read(FieldReader in) {
    long id = in.i64("ring.id");
    long replaces = in.i64("ring.replaces");
    PlanOrder plan =
        new PlanOrder(
            in.i64("ring.plan.counter", 0, Long.MAX_VALUE),
            in.string("ring.plan.coordinator"),
            in.string("ring.plan.hash"));
    HiddenType hidden = in.choice("ring.hidden", HiddenType.values());
    List<StagePlan> stages = readStages(in);
    in.end("ring");
    return new Ring(id, plan, stages, hidden, replaces);
  }

  /** At least one. */
  static List<StagePlan> readStages(FieldReader in) {
    int count = in.count("ring.stages", 10, MOST_STAGES);
    if (count == 0) {
      throw new ProtocolException("a ring without stages");
    }
    List<StagePlan> stages = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String device = in.string("ring.stage.device");
      int from = in.i32("ring.stage.from", 0, Integer.MAX_VALUE - 1);
      int to = in.i32("ring.stage.to", from + 1, Integer.MAX_VALUE);
      stages.add(new StagePlan(device, LayerRange.of(from, to)));
    }
    return stages;
  }
}
