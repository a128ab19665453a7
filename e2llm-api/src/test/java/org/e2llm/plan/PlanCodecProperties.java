package org.e2llm.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.e2llm.E2llmException;
import org.e2llm.PlanFormatException;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;

/** Whatever plan or fleet there is comes back as it was; whatever is damaged is named. */
class PlanCodecProperties {
  @Property(tries = 300)
  void plansComeBack(
      @ForAll Random random,
      @ForAll @IntRange(min = 1, max = 8) int devices,
      @ForAll @IntRange(min = 8, max = 80) int layers) {
    Plan plan = plan(random, devices, layers);
    String json = PlanCodec.toJson(plan);
    Plan copy = PlanCodec.parse(json);
    assertThat(copy).isEqualTo(plan);
    assertThat(PlanCodec.toJson(copy)).isEqualTo(json);
    assertThat(PlanCodec.hash(copy)).isEqualTo(PlanCodec.hash(plan)).matches("[0-9a-f]{64}");
  }

  @Property(tries = 300)
  void fleetsComeBack(@ForAll Random random, @ForAll @IntRange(min = 1, max = 8) int devices) {
    Fleet fleet = fleet(random, devices);
    assertThat(FleetCodec.parse(FleetCodec.toJson(fleet))).isEqualTo(fleet);
  }

  /** One character less, more or other: never anything but a plan or a typed error. */
  @Property(tries = 1000)
  void damageIsATypedError(@ForAll Random random) {
    StringBuilder json = new StringBuilder(PlanCodec.toJson(plan(random, 3, 16)));
    int at = random.nextInt(json.length());
    switch (random.nextInt(3)) {
      case 0:
        json.deleteCharAt(at);
        break;
      case 1:
        json.insert(at, (char) random.nextInt(128));
        break;
      default:
        json.setLength(at);
    }
    try {
      PlanCodec.parse(json.toString());
    } catch (E2llmException e) {
      assertThat(e).isInstanceOf(PlanFormatException.class);
      assertThat(e.getMessage()).isNotBlank();
    }
  }

  /** Every field is needed, and no other is known. */
  @Property(tries = 100)
  void everyFieldIsNeededAndNoOtherKnown(@ForAll Random random) {
    String json = PlanCodec.toJson(plan(random, 3, 16));
    String[] names = {"counter", "modelId", "kvType", "router", "kvTokens", "reason", "layers"};
    String name = names[random.nextInt(names.length)];
    assertThatThrownBy(() -> PlanCodec.parse(json.replaceFirst('"' + name + '"', "\"other\"")))
        .isInstanceOf(PlanFormatException.class)
        .hasMessageContaining(name);
    assertThatThrownBy(() -> PlanCodec.parse(json.replaceFirst("\\{", "{ \"other\": 1,")))
        .isInstanceOf(PlanFormatException.class)
        .hasMessageContaining("other");
  }

  private static Plan plan(Random random, int devices, int layers) {
    int[] cuts = new int[devices + 1];
    cuts[devices] = layers;
    for (int i = 1; i < devices; i++) {
      cuts[i] = i + random.nextInt(layers - devices + 1);
    }
    java.util.Arrays.sort(cuts);
    List<StagePlan> stages = new ArrayList<>();
    List<Placement> placements = new ArrayList<>();
    for (int i = 0; i < devices; i++) {
      String id = "device \"" + i + "\" \u00e9\n";
      placements.add(new Placement(id, cuts[i + 1] > cuts[i], "because " + random.nextInt()));
      if (cuts[i + 1] > cuts[i]) {
        stages.add(new StagePlan(id, LayerRange.of(cuts[i], cuts[i + 1])));
      }
    }
    ReplicaPlan.Expected expected =
        new ReplicaPlan.Expected(
            random.nextDouble(), random.nextDouble() * 1e-9, random.nextDouble() * 1e9, 0);
    return new Plan(
        new PlanOrder(random.nextInt(10), "peer", ""),
        new PlannedFor("m", "", layers, any(KvType.class, random), 4096, Arithmetic.F32),
        "e2llm",
        new WireFormats(any(HiddenType.class, random), any(KvType.class, random)),
        ServingPolicy.ROLES.withRouter(any(ServingPolicy.RouterKind.class, random)),
        List.of(new ReplicaPlan(Role.MIXED, stages, 1 + random.nextInt(100000), expected)),
        placements);
  }

  private static Fleet fleet(Random random, int count) {
    List<DeviceProfile> devices = new ArrayList<>();
    List<LinkProfile> links = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Nic nic =
          new Nic(
              1 + random.nextDouble() * 1e9,
              random.nextDouble(),
              random.nextBoolean() ? null : "wifi");
      devices.add(
          new DeviceProfile(
              "d" + i,
              "device",
              1 + random.nextDouble() * 1e13,
              1 + random.nextDouble() * 1e13,
              1 + random.nextDouble() * 1e11,
              random.nextDouble(),
              1 + random.nextInt(1 << 30) * 64L,
              random.nextBoolean(),
              nic));
      if (i > 0) {
        links.add(
            random.nextBoolean()
                ? LinkProfile.none("d0", "d" + i)
                : new LinkProfile("d0", "d" + i, 1 + random.nextDouble() * 1e8, 1e-3, "wifi"));
      }
    }
    return new Fleet("fleet", devices, links);
  }

  private static <E extends Enum<E>> E any(Class<E> type, Random random) {
    E[] all = type.getEnumConstants();
    return all[random.nextInt(all.length)];
  }
}
