package org.e2llm.samples.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.WireFormats;

/** A plan to read: which device has which layers in which role, and why. */
final class PlanText {
  private final Plan plan;
  private final Map<String, String> reasons = new HashMap<>();
  private final int idWidth;
  private final StringBuilder text = new StringBuilder();

  private PlanText(Plan plan) {
    this.plan = plan;
    int width = 0;
    for (Placement placement : plan.placements()) {
      reasons.put(placement.device(), placement.reason());
      width = Math.max(width, placement.device().length());
    }
    idWidth = width;
  }

  /** Some lines, the last one with its line end. */
  static String of(String strategy, Plan plan) {
    return new PlanText(plan).write(strategy);
  }

  private String write(String strategy) {
    text.append(strategy).append(": ").append(policy(plan.policy(), plan.wire())).append('\n');
    for (int r = 0; r < plan.replicas().size(); r++) {
      replica(r + 1, plan.replicas().get(r));
    }
    List<Placement> leftOut = new ArrayList<>(plan.placements());
    leftOut.removeIf(Placement::placed);
    if (!leftOut.isEmpty()) {
      text.append("  no layers\n");
      leftOut.forEach(placement -> line(placement.device(), "-"));
    }
    return text.toString();
  }

  /** How a plan is served, in words. */
  static String policy(ServingPolicy policy, WireFormats wire) {
    List<String> words = new ArrayList<>();
    words.add("router " + policy.router().name().toLowerCase(Locale.ROOT));
    add(words, policy.lateBinding(), "late binding");
    add(words, policy.roleSpill(), "role spill");
    add(words, policy.decodeInPlace(), "decode in place");
    add(words, policy.mixedPool(), "mixed pool");
    add(words, Double.isFinite(policy.slo().ttftSeconds()), "TTFT in view");
    add(words, Double.isFinite(policy.slo().tpotSeconds()), "TPOT in view");
    words.add("chunks of " + policy.chunkTokens() + " tokens");
    words.add("hidden states " + wire.hidden());
    words.add("KV " + wire.kv());
    return String.join(", ", words);
  }

  private static void add(List<String> words, boolean wanted, String word) {
    if (wanted) {
      words.add(word);
    }
  }

  private void replica(int number, ReplicaPlan replica) {
    ReplicaPlan.Expected expected = replica.expected();
    text.append(
        String.format(
            Locale.ROOT,
            "  replica %d %s: TTFT %s, TPOT %s, %s %s/s, room for %,d tokens\n",
            number,
            replica.role(),
            Figures.seconds(expected.ttftSeconds()),
            Figures.seconds(expected.tpotSeconds()),
            Figures.number(expected.requestsPerSecond()),
            noun(replica),
            replica.kvTokens()));
    for (StagePlan stage : replica.stages()) {
      line(stage.device(), stage.layers().toString());
    }
  }

  private static String noun(ReplicaPlan replica) {
    return switch (replica.role()) {
      case PREFILL -> "prompts";
      case DECODE -> "answers";
      default -> "requests";
    };
  }

  private void line(String device, String layers) {
    text.append(
        String.format(
            "    %-" + idWidth + "s  %-9s %s\n", device, layers, reasons.getOrDefault(device, "")));
  }
}
