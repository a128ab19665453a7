package org.e2llm.planner.simulator;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.Slo;
import org.jspecify.annotations.Nullable;

/**
 * What a plan has one second of per second: every {@link Charge} of every replica, and every
 * interface and shared medium; and how much of that a request takes at least, if it is served
 * inside the SLO.
 */
final class Resources {
  /** Sums are rounded, and requests that just fit must. */
  static final double ROUNDING = 1e-6;

  private final Slo slo;
  private final List<ReplicaFloor> floors = new ArrayList<>();

  /** By replica. */
  private final List<List<Charge>> charges = new ArrayList<>();

  /** By replica and interface, for the hidden states of a token. */
  private final double[][] hidden;

  /** By two replicas and interface, for the KV cache of a token; null where it cannot go. */
  private final double[][] @Nullable [] handoff;

  private final int interfaces;

  /**
   * What a request takes of each replica's charges.
   *
   * @param prompt by replica, for prompt and first token; null where that would be too late
   * @param answer by replica, for all other tokens; null where they would take too long
   */
  record Use(
      int tokensIn, int tokensOut, double[] @Nullable [] prompt, double[] @Nullable [] answer) {}

  /**
   * Whether some replica can begin it in time, and this or another one it reaches can answer it.
   */
  boolean isPossible(Use use) {
    for (int p = 0; p < replicas(); p++) {
      for (int d = 0; d < replicas() && use.prompt()[p] != null; d++) {
        boolean reached = p == d || handoff[p][d] != null;
        if (use.tokensOut() == 1 || (reached && use.answer()[d] != null)) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * Reckons once.
   *
   * @param leastPrompt of all requests
   * @param meanPrompt for which ways to reckon are compared: what is nowhere the best is left out
   */
  Resources(Deployment deployment, Slo slo, int leastPrompt, double meanPrompt, double meanOutput) {
    this.slo = slo;
    int n = deployment.replicas();
    Transfers transfers = new Transfers(deployment);
    hidden = new double[n][];
    handoff = new double[n][n][];
    interfaces = deployment.interfaces().count();
    for (int r = 0; r < n; r++) {
      ReplicaFloor floor = new ReplicaFloor(deployment, r);
      floors.add(floor);
      charges.add(undominated(floor.charges(slo, leastPrompt), meanPrompt, meanOutput));
      hidden[r] = transfers.hidden(r);
      for (int d = 0; d < n; d++) {
        if (d != r && deployment.connected(r, d)) {
          handoff[r][d] = transfers.handoff(r, d);
        }
      }
    }
  }

  private static List<Charge> undominated(List<Charge> all, double tokensIn, double tokensOut) {
    List<Charge> kept = new ArrayList<>();
    for (Charge next : all) {
      double prompt = next.prompt(tokensIn);
      double answer = next.answer(tokensIn, tokensOut);
      boolean better = true;
      for (Charge other : kept) {
        better &= other.prompt(tokensIn) < prompt || other.answer(tokensIn, tokensOut) < answer;
      }
      if (better) {
        kept.removeIf(
            other ->
                other.prompt(tokensIn) <= prompt && other.answer(tokensIn, tokensOut) <= answer);
        kept.add(next);
      }
    }
    return kept;
  }

  int replicas() {
    return floors.size();
  }

  int charges(int replica) {
    return charges.get(replica).size();
  }

  int interfaces() {
    return interfaces;
  }

  double[] hidden(int replica) {
    return hidden[replica];
  }

  double @Nullable [] handoff(int from, int to) {
    return handoff[from][to];
  }

  /**
   * Of a request.
   *
   * @param most tokens that it may come to have
   */
  Use use(int tokensIn, int tokensOut, int most) {
    int n = replicas();
    double[][] prompt = new double[n][];
    double[][] answer = new double[n][];
    for (int r = 0; r < n; r++) {
      List<Charge> here = charges.get(r);
      if (canBegin(floors.get(r), tokensIn)) {
        prompt[r] = here.stream().mapToDouble(each -> each.prompt(tokensIn)).toArray();
      }
      if (tokensOut > 1 && canAnswer(floors.get(r), tokensIn, most)) {
        answer[r] = here.stream().mapToDouble(each -> each.answer(tokensIn, tokensOut)).toArray();
      }
    }
    return new Use(tokensIn, tokensOut, prompt, answer);
  }

  private boolean canBegin(ReplicaFloor replica, int tokensIn) {
    return replica.holds(tokensIn) && replica.ttft(tokensIn) <= slo.ttftSeconds() * (1 + ROUNDING);
  }

  private boolean canAnswer(ReplicaFloor replica, int tokensIn, int most) {
    return replica.holds(most) && replica.tpot(tokensIn + 1) <= slo.tpotSeconds() * (1 + ROUNDING);
  }
}
