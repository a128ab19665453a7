package org.e2llm.transport.slice;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;

/**
 * Which layers each peer keeps beside its plan, so that the bytes of every layer lie on at least
 * two devices where disks allow. Pure and the same on every peer, so nobody has to be told its
 * duty.
 *
 * <p>Of the layers that lie on one device only, a device without a stage takes as much as it has
 * room for, since it could serve them at once. Then the neighbours in the replica take one half
 * each, the one before the stage its first layers, the one after it its last: if the device is
 * lost, the cut moves both ways and every stage stays one range. What then is left goes to whoever
 * has the most room.
 */
public final class Standby {
  /**
   * A peer of the cluster.
   *
   * @param id as in the plan
   * @param diskBytes its cache may take for this model, what its plan needs included
   * @param full whether its app has the whole model anyway
   */
  public record Member(String id, long diskBytes, boolean full) {}

  private static final int COPIES = 2;

  private final ModelSpec model;
  private final int layers;
  private final Map<String, Member> members = new TreeMap<>();

  /** Layers by peer that it has or will have: of its plan, and of its duty. */
  private final Map<String, boolean[]> held = new TreeMap<>();

  private final Map<String, boolean[]> duties = new HashMap<>();
  private final Map<String, Long> room = new HashMap<>();

  private Standby(ModelSpec model) {
    this.model = model;
    this.layers = model.layerCount();
  }

  /**
   * The duty of each peer: ranges, ascending and apart. A peer without duty is not in the map.
   *
   * @param members peers that are there; stages of others count for nothing
   */
  public static Map<String, List<LayerRange>> duties(
      ModelSpec model, Plan plan, List<Member> members) {
    Standby standby = new Standby(model);
    standby.take(plan, members);
    standby.giveToIdle();
    for (ReplicaPlan replica : plan.replicas()) {
      standby.giveToNeighbours(replica.stages());
    }
    standby.giveToAnybody();
    Map<String, List<LayerRange>> result = new TreeMap<>();
    standby.duties.forEach((peer, duty) -> result.put(peer, ranges(duty)));
    return result;
  }

  private void take(Plan plan, List<Member> all) {
    for (Member member : all) {
      members.put(member.id(), member);
      boolean[] has = new boolean[layers];
      Arrays.fill(has, member.full());
      held.put(member.id(), has);
      room.put(member.id(), member.full() ? 0 : member.diskBytes());
    }
    for (ReplicaPlan replica : plan.replicas()) {
      for (StagePlan stage : replica.stages()) {
        boolean[] has = held.get(stage.device());
        for (int layer = stage.layers().from();
            has != null && layer < stage.layers().to();
            layer++) {
          if (!has[layer]) {
            has[layer] = true;
            room.merge(stage.device(), -bytes(layer), Long::sum);
          }
        }
      }
    }
  }

  private void giveToIdle() {
    List<String> idle = new ArrayList<>();
    held.forEach(
        (peer, has) -> {
          if (ranges(has).isEmpty()) {
            idle.add(peer);
          }
        });
    idle.sort(byRoom());
    for (String peer : idle) {
      giveUpTo(peer, 0, layers);
    }
  }

  private void giveToNeighbours(List<StagePlan> stages) {
    for (int i = 0; i < stages.size() && stages.size() > 1; i++) {
      LayerRange range = stages.get(i).layers();
      int middle = i == 0 ? range.from() : range.from() + range.size() / 2;
      if (i == stages.size() - 1) {
        middle = range.to();
      }
      if (i > 0) {
        giveUpTo(stages.get(i - 1).device(), range.from(), middle);
      }
      if (i < stages.size() - 1) {
        giveDownFrom(stages.get(i + 1).device(), range.to(), middle);
      }
    }
  }

  private void giveToAnybody() {
    for (int layer = 0; layer < layers; layer++) {
      List<String> byRoom = new ArrayList<>(members.keySet());
      byRoom.sort(byRoom());
      for (int i = 0; i < byRoom.size() && copies(layer) < COPIES; i++) {
        give(byRoom.get(i), layer);
      }
    }
  }

  private Comparator<String> byRoom() {
    return Comparator.comparingLong((String peer) -> -room.getOrDefault(peer, 0L))
        .thenComparing(Comparator.naturalOrder());
  }

  private void giveUpTo(String peer, int from, int to) {
    for (int layer = from; layer < to; layer++) {
      give(peer, layer);
    }
  }

  private void giveDownFrom(String peer, int from, int to) {
    for (int layer = from - 1; layer >= to; layer--) {
      give(peer, layer);
    }
  }

  private void give(String peer, int layer) {
    boolean[] has = held.get(peer);
    long bytes = bytes(layer);
    if (has != null
        && !has[layer]
        && copies(layer) < COPIES
        && room.getOrDefault(peer, 0L) >= bytes) {
      has[layer] = true;
      duties.computeIfAbsent(peer, p -> new boolean[layers])[layer] = true;
      room.merge(peer, -bytes, Long::sum);
    }
  }

  private int copies(int layer) {
    int copies = 0;
    for (boolean[] has : held.values()) {
      copies += has[layer] ? 1 : 0;
    }
    return copies;
  }

  /** With what a stage at this end of the model needs besides its layers. */
  private long bytes(int layer) {
    return model.weightBytes(LayerRange.of(layer, layer + 1));
  }

  private static List<LayerRange> ranges(boolean[] set) {
    List<LayerRange> ranges = new ArrayList<>();
    for (int from = 0; from < set.length; from++) {
      int to = from;
      while (to < set.length && set[to]) {
        to++;
      }
      if (to > from) {
        ranges.add(LayerRange.of(from, to));
        from = to;
      }
    }
    return Collections.unmodifiableList(ranges);
  }
}
