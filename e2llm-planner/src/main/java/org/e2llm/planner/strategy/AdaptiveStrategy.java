package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.e2llm.model.KvType;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.Plan;
import org.e2llm.plan.Slo;
import org.e2llm.plan.WireFormats;
import org.e2llm.planner.grouping.LatencyRoles;
import org.e2llm.planner.workload.Requests;

/**
 * Ours, and the default: the best that the other searches find, judged by short simulations under
 * the app's own workload and SLO, together with how it is served at run time.
 *
 * <p>Rounds with more and more requests leave fewer and fewer candidates; the best of them is then
 * changed step by step as long as that helps. In the last round ({@link Finals}) it meets the best
 * single device and what every other strategy would plan, each served as that strategy serves, so
 * that it is never worse than these in the planner's own simulation; and it is decided whether the
 * winner, or another, is served with the SLO in view. All budgets are counts.
 *
 * <p>Where few requests run at a time there is nothing to queue for: the plan on which a request is
 * soonest done follows from the cost model alone.
 */
public final class AdaptiveStrategy implements Strategy {
  private static final int AFTER_FIRST = 10;
  private static final int AFTER_SECOND = 4;

  /** From how many candidates the step-by-step part begins, and simulations for each of them. */
  private static final int CLIMBERS = 2;

  private static final int MOVES = 70;

  /** Of all planning, searches come first: the part that is simulated. */
  private static final double SIMULATED_SHARE = 0.7;

  /** A move must be so much better: less is noise of a short simulation. */
  private static final double WORTH_MOVING = 0.99;

  private final boolean lossyWire;

  /**
   * One of two variants.
   *
   * @param lossyWire whether hidden states cross the network in F16 and the KV cache in Q8_0
   */
  public AdaptiveStrategy(boolean lossyWire) {
    this.lossyWire = lossyWire;
  }

  @Override
  public String name() {
    return "adaptive";
  }

  @Override
  public String variant() {
    return lossyWire ? "q8wire" : "";
  }

  @Override
  public String fullName() {
    return lossyWire ? "adaptive+q8wire" : "adaptive";
  }

  @Override
  public List<Plan> plans(Question asked, int wanted) {
    Question question =
        lossyWire
            ? asked.with(asked.space().with(new WireFormats(HiddenType.F16, KvType.Q8_0)))
            : asked;
    if (question.latencyCounts()) {
      return E2llmStrategy.searched(question, new LatencyRoles(false), fullName(), wanted);
    }
    Candidates candidates = Candidates.of(question);
    if (candidates.all().isEmpty()) {
      return List.of();
    }
    long simulations =
        candidates.all().size()
            + AFTER_FIRST
            + CLIMBERS * MOVES
            + AFTER_SECOND
            + candidates.guards().size()
            + Finals.SIMULATIONS;
    double inView = question.slo().equals(Slo.NONE) ? 0 : InView.SHARE;
    question.watch().part(SIMULATED_SHARE - inView, simulations);
    Trials trials = new Trials(question, candidates.guards());
    Rounds rounds = Rounds.of(trials);
    List<Candidate> finalists = finalists(question, candidates, trials, rounds, wanted);
    finalists = new Finals(question, trials, rounds).best(finalists, candidates, wanted);
    List<Plan> plans = new ArrayList<>();
    TrialReasons reasons = new TrialReasons(question, trials);
    for (Candidate candidate : finalists) {
      plans.add(
          reasons.explain(
              new PlanMaker(question, fullName(), candidate.policy(), null)
                  .make(candidate.arrangement())));
    }
    return plans;
  }

  /** What the search has found, the best device and the best of other searches; in no order. */
  private static List<Candidate> finalists(
      Question question, Candidates candidates, Trials trials, Rounds rounds, int wanted) {
    List<Candidate> left = trials.best(candidates.all(), rounds.first(), AFTER_FIRST);
    left = trials.best(left, rounds.second(), Math.max(wanted, AFTER_SECOND));
    SplittableRandom random = new SplittableRandom(question.options().seed());
    for (Candidate start : List.copyOf(left.subList(0, Math.min(CLIMBERS, left.size())))) {
      Moves moves = new Moves(question, random);
      left.add(
          0, climbed(moves, start, MOVES, (at, limit) -> cost(trials, at, rounds.few(), limit)));
    }
    left.addAll(candidates.guards());
    return left;
  }

  private static double cost(Trials trials, Candidate at, Requests requests, double limit) {
    return trials.isWanted(at, requests, outcome -> outcome.cost() < limit)
        ? trials.outcome(at, requests).cost()
        : limit;
  }

  /** What steps shall lower. */
  interface Cost {
    /** Of a candidate if it is below a limit, else anything that is not. */
    double of(Candidate candidate, double limit);
  }

  /**
   * Takes every move that helps, and goes on from there.
   *
   * @param budget moves that are looked at
   * @param cost what is compared
   */
  static Candidate climbed(Moves moves, Candidate start, int budget, Cost cost) {
    Candidate at = start;
    double least = cost.of(at, Double.POSITIVE_INFINITY);
    int left = budget;
    boolean better = true;
    while (better && left > 0) {
      better = false;
      for (Candidate next : moves.from(at)) {
        if (left-- <= 0) {
          break;
        }
        double limit = WORTH_MOVING * least;
        double nextCost = cost.of(next, limit);
        if (nextCost < limit) {
          at = next;
          least = nextCost;
          better = true;
          break;
        }
      }
    }
    return at;
  }
}
