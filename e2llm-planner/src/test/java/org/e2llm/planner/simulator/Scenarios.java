package org.e2llm.planner.simulator;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import org.e2llm.model.KvType;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Network;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.WireFormats;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;

/** Random fleets, models, plans, policies and requests: anything that is allowed. */
final class Scenarios {
  private Scenarios() {}

  record Scenario(long seed, Deployment deployment, Requests requests) {
    Random random() {
      return new Random(~seed);
    }

    @Override
    public String toString() {
      return "scenario " + seed;
    }
  }

  static Arbitrary<Scenario> any() {
    return Arbitraries.longs().map(Scenarios::scenario);
  }

  static Scenario scenario(long seed) {
    Random random = new Random(seed);
    int layers = 2 + random.nextInt(24);
    PlannedModel model =
        Fixtures.model(
            layers,
            256 << random.nextInt(5),
            1024,
            8,
            1 << random.nextInt(4),
            64,
            1000,
            1_000_000L << random.nextInt(8));
    int devices = 1 + random.nextInt(9);
    Nic wifi = new Nic(1e6 * (1 + random.nextInt(60)), random.nextInt(5) * 1e-3, "wifi");
    List<DeviceProfile> profiles = new ArrayList<>();
    for (int i = 0; i < devices; i++) {
      Nic cable = new Nic(1e6 * (5 + random.nextInt(200)), random.nextInt(3) * 1e-4, null);
      profiles.add(
          Fixtures.device(
              "d" + i,
              Math.pow(10, random.nextDouble() * 3 - 2),
              1 + random.nextInt(200),
              random.nextInt(3) == 0 ? wifi : cable));
    }
    List<LinkProfile> links = new ArrayList<>();
    if (devices > 1 && random.nextBoolean()) {
      links.add(
          new LinkProfile(
              "d0",
              "d1",
              1e6 * (1 + random.nextInt(500)),
              1e-3,
              random.nextBoolean() ? "cable" : null));
    }
    Network network = new Network(new Fleet("random", profiles, links));
    Lengths lengths =
        new Lengths.Uniform(
            "random",
            1,
            1 + random.nextInt(900),
            1,
            1 + random.nextInt(random.nextBoolean() ? 4 : 200));
    List<ReplicaPlan> replicas = replicas(random, devices, layers, lengths.maxTokens());
    Plan plan = Fixtures.plan(policy(random), replicas);
    if (random.nextInt(3) == 0) {
      plan =
          new Plan(
              plan.order(),
              plan.model(),
              plan.strategy(),
              new WireFormats(HiddenType.Q8_0, KvType.Q8_0),
              plan.policy(),
              plan.replicas(),
              plan.placements());
    }
    Deployment deployment = new Deployment(plan, network, Fixtures.cost(model));
    int count = 20 + random.nextInt(150);
    Requests atOnce = Requests.atOnce(lengths, count, seed);
    double rate =
        Simulator.run(deployment, atOnce).throughput() * (0.2 + 1.3 * random.nextDouble());
    return new Scenario(
        seed,
        deployment,
        random.nextInt(4) == 0 ? atOnce : Requests.poisson(lengths, count, rate, seed));
  }

  private static List<ReplicaPlan> replicas(Random random, int devices, int layers, int maxTokens) {
    List<ReplicaPlan> replicas = new ArrayList<>();
    boolean prefill = false;
    boolean decode = false;
    for (int next = 0; next < devices; ) {
      int size = Math.min(layers, Math.min(devices - next, 1 + random.nextInt(4)));
      List<StagePlan> stages = new ArrayList<>();
      int from = 0;
      for (int s = 0; s < size; s++) {
        int most = layers - from - (size - s - 1);
        int to = s == size - 1 ? layers : from + 1 + random.nextInt(most);
        stages.add(Fixtures.stage("d" + next++, from, to));
        from = to;
      }
      boolean last = next == devices;
      Role role = Role.values()[random.nextInt(3)];
      if (last && ((role == Role.PREFILL && !decode) || (role == Role.DECODE && !prefill))) {
        role = Role.MIXED;
      }
      prefill |= role != Role.DECODE;
      decode |= role != Role.PREFILL;
      // From room for one request to room for a dozen.
      int tokens = 900 + maxTokens + random.nextInt(12) * 500;
      replicas.add(Fixtures.replica(role, tokens, stages.toArray(new StagePlan[0])));
    }
    return replicas;
  }

  private static ServingPolicy policy(Random random) {
    return new ServingPolicy(
        random.nextBoolean() ? ServingPolicy.RouterKind.ECT : ServingPolicy.RouterKind.JSQ,
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextBoolean(),
        1 << random.nextInt(11),
        new Slo(limit(random), limit(random)));
  }

  /** From what nobody can keep to what everybody can; often none. */
  private static double limit(Random random) {
    return random.nextInt(3) == 0
        ? Double.POSITIVE_INFINITY
        : Math.pow(10, random.nextDouble() * 5 - 3);
  }
}
