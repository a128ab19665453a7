package org.e2llm.transport.slice;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.WireFormats;
import org.e2llm.transport.slice.Standby.Member;

class StandbyProperties {
  private static final long LAYER = 100;
  private static final long ENDS = 30;

  @Example
  void neighboursShareWhatADeviceHolds() {
    Plan plan = plan(12, "a", 4, "b", 8, "c", 12);
    Map<String, List<LayerRange>> duties =
        Standby.duties(model(12), plan, members("a", 9999, "b", 9999, "c", 9999));
    assertThat(duties)
        .containsEntry("a", List.of(LayerRange.of(4, 6)))
        .containsEntry("b", List.of(LayerRange.of(0, 4), LayerRange.of(8, 12)))
        .containsEntry("c", List.of(LayerRange.of(6, 8)))
        .hasSize(3);
  }

  @Example
  void aDeviceWithoutAStageComesFirst() {
    Plan plan = plan(12, "a", 6, "b", 12);
    Map<String, List<LayerRange>> duties =
        Standby.duties(model(12), plan, members("a", 9999, "b", 9999, "idle", 9999));
    assertThat(duties).containsOnly(Map.entry("idle", List.of(LayerRange.of(0, 12))));
  }

  @Example
  void whereSomebodyHasTheFileNobodyHasADuty() {
    Plan plan = plan(12, "a", 6, "b", 12);
    List<Member> members = new ArrayList<>(members("a", 9999, "b", 9999));
    members.add(new Member("full", 0, true));
    assertThat(Standby.duties(model(12), plan, members)).isEmpty();
  }

  @Example
  void oneDeviceAloneHasNoDuty() {
    assertThat(Standby.duties(model(3), plan(3, "a", 3), members("a", 9999))).isEmpty();
  }

  @Example
  void aDeviceKeepsNoMoreThanItsDiskHolds() {
    Plan plan = plan(12, "a", 6, "b", 12);
    long own = 6 * LAYER + ENDS;
    Map<String, List<LayerRange>> duties =
        Standby.duties(model(12), plan, members("a", own + 2 * LAYER, "b", own));
    assertThat(duties).containsOnly(Map.entry("a", List.of(LayerRange.of(6, 8))));
  }

  @Property(tries = 500)
  void everyLayerIsOnTwoDevicesWhereDisksAllow(
      @ForAll @LongRange(min = 0, max = 1L << 40) long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int layers = 1 + random.nextInt(24);
    List<ReplicaPlan> replicas = new ArrayList<>();
    List<String> ids = new ArrayList<>();
    for (int r = 0; r < 1 + random.nextInt(2); r++) {
      List<StagePlan> stages = new ArrayList<>();
      for (int from = 0; from < layers; ) {
        int to = from + 1 + random.nextInt(layers - from);
        String id = "d" + ids.size();
        ids.add(id);
        stages.add(new StagePlan(id, LayerRange.of(from, to)));
        from = to;
      }
      replicas.add(replica(stages));
    }
    for (int i = random.nextInt(3); i > 0; i--) {
      ids.add("d" + ids.size());
    }
    Plan plan = plan(layers, replicas);
    ModelSpec model = model(layers);
    List<Member> members = new ArrayList<>();
    for (String id : ids) {
      long planned = bytes(layers, stagesOf(plan, id));
      long extra = random.nextInt(3) == 0 ? random.nextInt(3000) : 100_000;
      members.add(new Member(id, planned + extra, random.nextInt(12) == 0));
    }
    Map<String, List<LayerRange>> duties = Standby.duties(model, plan, members);

    List<Member> shuffled = new ArrayList<>(members);
    Collections.shuffle(shuffled, new Random(seed));
    assertThat(Standby.duties(model, plan, shuffled)).as("the same for all").isEqualTo(duties);
    for (Member member : members) {
      List<LayerRange> duty = duties.getOrDefault(member.id(), List.of());
      List<LayerRange> own = stagesOf(plan, member.id());
      List<LayerRange> both = new ArrayList<>(own);
      both.addAll(duty);
      if (member.full()) {
        assertThat(duty).isEmpty();
      }
      for (LayerRange range : duty) {
        for (int layer = range.from(); layer < range.to(); layer++) {
          int at = layer;
          assertThat(own).as("not what it has").noneMatch(stage -> stage.contains(at));
          assertThat(copies(plan, members, duties, layer)).as("not too often").isEqualTo(2);
        }
      }
      assertThat(bytes(layers, both))
          .as("no more than fits")
          .isLessThanOrEqualTo(member.full() ? Long.MAX_VALUE : member.diskBytes());
    }
    for (int layer = 0; layer < layers; layer++) {
      if (copies(plan, members, duties, layer) < 2) {
        for (Member member : members) {
          List<LayerRange> both = new ArrayList<>(stagesOf(plan, member.id()));
          both.addAll(duties.getOrDefault(member.id(), List.of()));
          int at = layer;
          boolean has = member.full() || both.stream().anyMatch(range -> range.contains(at));
          both.add(LayerRange.of(layer, layer + 1));
          assertThat(has || bytes(layers, both) > member.diskBytes())
              .as("%s could have kept layer %d", member.id(), layer)
              .isTrue();
        }
      }
    }
  }

  private static long copies(
      Plan plan, List<Member> members, Map<String, List<LayerRange>> duties, int layer) {
    return members.stream()
        .filter(
            member ->
                member.full()
                    || stagesOf(plan, member.id()).stream().anyMatch(r -> r.contains(layer))
                    || duties.getOrDefault(member.id(), List.of()).stream()
                        .anyMatch(r -> r.contains(layer)))
        .count();
  }

  private static List<LayerRange> stagesOf(Plan plan, String device) {
    List<LayerRange> ranges = new ArrayList<>();
    for (ReplicaPlan replica : plan.replicas()) {
      for (StagePlan stage : replica.stages()) {
        if (stage.device().equals(device)) {
          ranges.add(stage.layers());
        }
      }
    }
    return ranges;
  }

  private static long bytes(int layers, List<LayerRange> ranges) {
    long bytes = 0;
    for (LayerRange range : ranges) {
      bytes += LAYER * range.size();
      bytes += range.from() == 0 ? ENDS : 0;
      bytes += range.to() == layers ? ENDS : 0;
    }
    return bytes;
  }

  private static List<Member> members(Object... idsAndDisks) {
    List<Member> members = new ArrayList<>();
    for (int i = 0; i < idsAndDisks.length; i += 2) {
      members.add(
          new Member((String) idsAndDisks[i], ((Number) idsAndDisks[i + 1]).longValue(), false));
    }
    return members;
  }

  /** One replica: device, end of its stage, device, end of its stage, … */
  private static Plan plan(int layers, Object... devicesAndEnds) {
    List<StagePlan> stages = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < devicesAndEnds.length; i += 2) {
      int to = (Integer) devicesAndEnds[i + 1];
      stages.add(new StagePlan((String) devicesAndEnds[i], LayerRange.of(from, to)));
      from = to;
    }
    return plan(layers, List.of(replica(stages)));
  }

  private static ReplicaPlan replica(List<StagePlan> stages) {
    return new ReplicaPlan(Role.MIXED, stages, 1000, new ReplicaPlan.Expected(1, 1, 1, 1));
  }

  private static Plan plan(int layers, List<ReplicaPlan> replicas) {
    List<Placement> placements = new ArrayList<>();
    for (ReplicaPlan replica : replicas) {
      for (StagePlan stage : replica.stages()) {
        placements.add(new Placement(stage.device(), true, "holds layers"));
      }
    }
    return new Plan(
        PlanOrder.NONE,
        new PlannedFor("m", "", layers, KvType.F16, 512, Arithmetic.F32),
        "test",
        WireFormats.lossless(KvType.F16),
        ServingPolicy.ROLES,
        replicas,
        placements);
  }

  private static ModelSpec model(int layers) {
    List<Long> bytes = Collections.nCopies(layers, LAYER);
    return new ModelSpec(
        "m", "llama", "F32", layers, 8, 8, 1, 1, 8, 8, 10, 512, 1, bytes, ENDS, ENDS, List.of());
  }
}
