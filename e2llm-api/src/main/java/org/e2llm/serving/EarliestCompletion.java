package org.e2llm.serving;

import java.util.function.IntPredicate;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.ServingPolicy;
import org.jspecify.annotations.Nullable;

/**
 * Routes to the pair of replicas that makes everybody wait least: the expected seconds until the
 * request is complete, plus those that it adds to others.
 *
 * <pre>
 *   prompt   = what is owed there + own, at the speed that decoding sessions leave
 *   KV       = the later of: prompt done + what is sent after it; channels free + all sent
 *   answer   = mean output × step of all that are bound there, + stalls by prompts owed there
 *   memory   = pressure × time for which it is held, on both replicas
 *   others   = stall of those decoding where the prompt goes
 *            + half an answer × what the step grows, for those decoding where the answer goes
 * </pre>
 *
 * The pressure on a replica's memory is by how much more is promised than it has: so many times the
 * stay of one session does the last one wait, and whoever comes waits longer for every second that
 * this one stays. A hand-off holds memory twice, which counts where memory is short.
 *
 * <p>With an SLO in view, all of that counts {@link #MISSED} times where the SLO is expected to be
 * missed: a request that can be in time at one replica only goes there. One that cannot anywhere
 * goes where it costs least, and rather not where others can be in time. Whoever can be waits only
 * for those that do not give way to it: for their prompts, and where memory is short until enough
 * of them have ended.
 *
 * <p>Roles are kept unless the policy lets them spill. Then a replica may do the other phase if
 * that pair is better by a margin; where it does so already, by none: so that it does not go to and
 * fro with every request.
 */
final class EarliestCompletion implements Router {
  /** Work for another role must be so much better to begin with it. */
  private static final double SPILL_MARGIN = 0.1;

  /** Share of a hand-off that is still to be sent when the prompt is done. */
  static final double HANDOFF_TAIL = 0.5;

  /**
   * Prompts that are owed count for more than their time: whoever comes next waits for them too.
   */
  private static final double QUEUE_WEIGHT = 1.5;

  /** So does memory; more, as those that have it stay for long and not equally long. */
  private static final double MEMORY_WEIGHT = 8;

  /** With an SLO in view, seconds on replicas that miss it count so many times. */
  private static final double MISSED = 5;

  /** And for those that miss it anywhere, seconds on replicas that could keep its TPOT. */
  private static final double LEFT_TO_OTHERS = 3;

  private final ServingPolicy policy;
  private final ReplicaEstimates estimates;

  // Per replica, of the request at hand.
  private final double[] prompt;
  private final double[] ownPrompt;
  private final double[] promptOthers;
  private final double[] answer;
  private final double[] stay;
  private final double[] inTimePrompt;
  private final double[] step;

  /** Whether a session alone would have its tokens in time. */
  private final boolean[] keepsTpot;

  EarliestCompletion(ServingPolicy policy, ReplicaEstimates estimates) {
    this.policy = policy;
    this.estimates = estimates;
    prompt = new double[estimates.size()];
    ownPrompt = new double[estimates.size()];
    promptOthers = new double[estimates.size()];
    answer = new double[estimates.size()];
    stay = new double[estimates.size()];
    inTimePrompt = new double[estimates.size()];
    step = new double[estimates.size()];
    keepsTpot = new boolean[estimates.size()];
  }

  @Override
  public @Nullable Route route(int promptTokens, int maxTokens, ReplicaLoads loads) {
    int n = estimates.size();
    int likely = promptTokens + loads.likelyOutput(maxTokens);
    for (int r = 0; r < n; r++) {
      reckonPrompt(r, promptTokens, loads);
      reckonAnswer(r, promptTokens, likely, loads);
      keepsTpot[r] = keepsTpot(r);
    }
    for (boolean anyRole : new boolean[] {policy.roleSpill(), true}) {
      int best = -1;
      double least = Double.POSITIVE_INFINITY;
      int bestLost = -1;
      double leastLost = Double.POSITIVE_INFINITY;
      boolean lost = true;
      for (int p = 0; p < n; p++) {
        for (int d = 0; d < n; d++) {
          if (!possible(p, d, promptTokens, maxTokens, loads) || !(anyRole || home(p, d))) {
            continue;
          }
          double handoff = p == d ? 0 : estimates.handoffSeconds(p, d, promptTokens);
          double seconds =
              (kvSeconds(p, d, prompt[p], handoff, loads)
                      + answer[d]
                      + promptOthers[p]
                      + memorySeconds(p, d, promptTokens, likely, handoff, loads))
                  * reluctance(p, d, loads);
          boolean missed =
              isFirstMissed(p, d, promptTokens, likely, handoff, loads) || isRestMissed(d);
          lost &= missed;
          double counted = seconds * (missed ? MISSED : 1);
          if (counted < least) {
            least = counted;
            best = p * n + d;
          }
          double leaving = seconds * (keepsTpot[p] || keepsTpot[d] ? LEFT_TO_OTHERS : 1);
          if (leaving < leastLost) {
            leastLost = leaving;
            bestLost = p * n + d;
          }
        }
      }
      int chosen = lost ? bestLost : best;
      if (chosen >= 0) {
        return new Route(chosen / n, chosen % n);
      }
    }
    return null; // also with foreign roles no replica that is up has room for it
  }

  @Override
  public int bind(Bound session, IntPredicate room, ReplicaLoads loads) {
    int p = session.route().prefill();
    int now = session.route().decode();
    int promptTokens = session.promptTokens();
    int maxTokens = session.maxTokens();
    int likely = promptTokens + loads.likelyOutput(maxTokens);
    reckonPrompt(p, promptTokens, loads);
    if (session.prefilled()) {
      prompt[p] = 0;
      ownPrompt[p] = 0;
    }
    int best = -1;
    double least = Double.POSITIVE_INFINITY;
    for (int d = 0; d < estimates.size(); d++) {
      if (!possible(p, d, promptTokens, maxTokens, loads)
          || !(d == now || policy.roleSpill() || home(p, d))) {
        continue;
      }
      double handoff = p == d ? 0 : estimates.handoffSeconds(p, d, promptTokens);
      if (d == now) {
        handoff *= 1 - session.sent();
      }
      double kv =
          session.prefilled()
              ? handoff + (p == d ? 0 : loads.channelSeconds(p, d))
              : kvSeconds(p, d, prompt[p], handoff, loads);
      reckonAnswer(d, promptTokens, likely, loads);
      double first = session.prefilled() ? kv : kvSeconds(p, d, ownPrompt[p], handoff, loads);
      boolean missed = isRestMissed(d) || first + (p == d ? 0 : step[d]) > session.due();
      double seconds =
          (kv + answer[d] + memorySeconds(p, d, promptTokens, likely, handoff, loads))
              * (d == now ? 1 : reluctance(p, d, loads))
              * (missed ? MISSED : 1);
      if (seconds < least || (seconds == least && d == now)) {
        least = seconds;
        best = d;
      }
    }
    // Where the best has no room, it is worth waiting for: the estimate counts that wait.
    return best >= 0 && room.test(best) ? best : -1;
  }

  private boolean possible(int p, int d, int promptTokens, int maxTokens, ReplicaLoads loads) {
    return loads.up(p)
        && loads.up(d)
        && promptTokens <= estimates.kvTokens(p)
        && promptTokens + maxTokens <= estimates.kvTokens(d)
        && (p == d || estimates.handoffSeconds(p, d, promptTokens) < Double.POSITIVE_INFINITY);
  }

  /** Whether both do what their role is. */
  private boolean home(int p, int d) {
    return estimates.role(p) != Role.DECODE
        && (estimates.role(d) != Role.PREFILL || (p == d && policy.decodeInPlace()));
  }

  private double reluctance(int p, int d, ReplicaLoads loads) {
    boolean promptAway = estimates.role(p) == Role.DECODE && loads.foreign(p) == 0;
    boolean answerAway =
        estimates.role(d) == Role.PREFILL
            && loads.foreign(d) == 0
            && !(p == d && policy.decodeInPlace());
    return promptAway || answerAway ? 1 + SPILL_MARGIN : 1;
  }

  private boolean keepsTpot(int r) {
    double limit = policy.slo().tpotSeconds();
    return limit == Double.POSITIVE_INFINITY || estimates.stepSeconds(r, 1, 0) <= limit;
  }

  /**
   * Whether the first token would not be in time for the SLO in view. It is sampled where the
   * answer is computed.
   */
  private boolean isFirstMissed(
      int p, int d, int promptTokens, int likely, double handoff, ReplicaLoads loads) {
    double limit = policy.slo().ttftSeconds();
    if (limit == Double.POSITIVE_INFINITY) {
      return false;
    }
    double wait = pressure(d, likely - loads.lateTokens(d), loads) * stay[d];
    if (p != d) {
      long needed = promptTokens - loads.lateTokens(p);
      wait = Math.max(wait, pressure(p, needed, loads) * ownPrompt[p]);
    }
    double there = kvSeconds(p, d, inTimePrompt[p], handoff, loads) + (p == d ? 0 : step[d]);
    return there + wait > limit;
  }

  /** Whether it would not be even if there was memory. */
  private boolean isPromptLate(int p) {
    return inTimePrompt[p] > policy.slo().ttftSeconds();
  }

  /** Whether the others would not be. */
  private boolean isRestMissed(int d) {
    return step[d] > policy.slo().tpotSeconds();
  }

  private void reckonPrompt(int r, int promptTokens, ReplicaLoads loads) {
    int decoding = loads.decoding(r);
    double own = estimates.prefillSeconds(r, promptTokens, decoding);
    double alone = decoding == 0 ? own : estimates.prefillSeconds(r, promptTokens, 0);
    double slower = alone > 0 ? own / alone : 1;
    double fill = estimates.fillSeconds(r, promptTokens);
    ownPrompt[r] = own + fill;
    double before = loads.prefillSeconds(r) - loads.lateSeconds(r);
    inTimePrompt[r] = before * slower + own + fill;
    double waitsFor = isPromptLate(r) ? loads.prefillSeconds(r) : before;
    prompt[r] = QUEUE_WEIGHT * waitsFor * slower + own + fill;
    promptOthers[r] =
        decoding == 0 ? 0 : decoding * estimates.stallSeconds(r, promptTokens, decoding);
  }

  /** From now until the KV cache is where the answer is computed. */
  private static double kvSeconds(
      int p, int d, double promptDone, double handoff, ReplicaLoads loads) {
    return p == d
        ? promptDone
        : Math.max(promptDone + HANDOFF_TAIL * handoff, loads.channelSeconds(p, d) + handoff);
  }

  /** From the KV cache being there to the last token, and what that costs the others there. */
  private void reckonAnswer(int d, int promptTokens, int likely, ReplicaLoads loads) {
    double output = loads.meanOutput();
    int others = loads.bound(d);
    double fits = 1 / (1 + pressure(d, likely, loads));
    int together = Math.max(1, (int) Math.round((others + 1) * fits));
    double tokens = loads.boundTokens(d) + promptTokens + (others + 1) * output / 2;
    step[d] = estimates.stepSeconds(d, together, tokens * fits);
    stay[d] = output * step[d];
    double stall = 0;
    if (loads.promptTokens(d) > 0) {
      int owed = (int) Math.min(Integer.MAX_VALUE, loads.promptTokens(d));
      stall = Math.min(stay[d], estimates.stallSeconds(d, owed, together));
    }
    double growth = 0;
    if (together > 1 && fits == 1) {
      double before = estimates.stepSeconds(d, together - 1, tokens - promptTokens - output / 2);
      growth = (together - 1) * output / 2 * Math.max(0, step[d] - before);
    }
    answer[d] = stay[d] + stall + growth;
  }

  private double memorySeconds(
      int p, int d, int promptTokens, int likely, double handoff, ReplicaLoads loads) {
    double moving = ownPrompt[p] + handoff;
    double seconds = pressure(d, likely, loads) * (stay[d] + moving);
    if (p != d) {
      seconds += pressure(p, promptTokens, loads) * moving * promptTokens / likely;
    }
    return MEMORY_WEIGHT * seconds;
  }

  /** How much more than its memory is promised on a replica, as a share of that memory. */
  private double pressure(int r, long tokens, ReplicaLoads loads) {
    double promised = (double) loads.promisedTokens(r) + tokens;
    return Math.max(0, promised / estimates.kvTokens(r) - 1);
  }
}
