package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.Slo;
import org.e2llm.planner.grouping.Arrangement;
import org.e2llm.planner.grouping.GeneticSearch;
import org.e2llm.planner.grouping.MixedRoles;
import org.e2llm.planner.grouping.Roles;
import org.e2llm.planner.grouping.SearchSpace;
import org.e2llm.planner.grouping.SearchWatch;
import org.e2llm.planner.grouping.SplitRoles;
import org.e2llm.planner.workload.Requests;

/**
 * Whether the winner is served with the SLO in view, and whether another plan takes its place that
 * keeps more of it.
 *
 * <p>Which plan keeps the most is not the one that is quickest on the mean: a slow device helps
 * that, and answers nobody in time. So all that was known is looked at, also what other strategies
 * plan, and what searches find among groups that keep the SLO; the best few are then tried in roles
 * by who keeps the TPOT, and changed step by step. What is taken may cost end-to-end time, but
 * never much more than the other strategies need, and only as much as what it keeps is worth.
 */
final class InView {
  /** How much of all planning it is, and about how many are run: progress is told by it. */
  static final double SHARE = 0.4;

  private static final int SIMULATIONS = 250;

  /** Plans of the round that are looked at beside those of the other strategies. */
  private static final int LOOKED_AT = 4;

  /** How many of all are compared on all requests. */
  private static final int KEPT = 8;

  /** Of how many of these roles by who keeps the TPOT are looked at. */
  private static final int IN_TPOT_ROLES = 4;

  /** How many are changed step by step, and simulations for each of them. */
  private static final int CLIMBERS = 2;

  private static final int MOVES = 80;

  /** Of each search among the groups that keep the SLO. */
  private static final int PER_SEARCH = 3;

  /** Such a search, as a part of all planning. */
  private static final double SEARCH_SHARE = 0.05;

  /** Goodput that is noise of a simulation. */
  private static final double WORTH_CHANGING = 0.005;

  /** Goodput that must be gained for taking as much time again. */
  private static final double WORTH_OF_TIME = 0.2;

  private static final List<ServingPolicy> WAYS = List.of(Candidates.FREE, ServingPolicy.ROLES);

  private final Question question;
  private final Trials trials;
  private final Rounds rounds;
  private final TimeLimits limits;

  /** What the other strategies plan, as these serve it. */
  private final List<Candidate> rivals;

  /**
   * Prepares.
   *
   * @param quickest in mean end-to-end time of all that were compared
   * @param rivals what the other strategies plan, as these serve it
   */
  InView(
      Question question, Trials trials, Rounds rounds, Candidate quickest, List<Candidate> rivals) {
    this.question = question;
    this.trials = trials;
    this.rounds = rounds;
    this.limits = new TimeLimits(trials, rounds, quickest, rivals);
    this.rivals = rivals;
  }

  /**
   * The first of them, unless another keeps more of the SLO.
   *
   * @param all of the last round, the best first
   * @param begun what planning began with, each served as it was then
   */
  Candidate best(List<Candidate> all, List<Candidate> begun) {
    Candidate best = all.get(0);
    List<Slo> views = question.views();
    if (views.isEmpty() || trials.outcome(best, rounds.main()).goodput() > 1 - WORTH_CHANGING) {
      return best;
    }
    List<Candidate> known = new ArrayList<>(all.subList(0, Math.min(LOOKED_AT, all.size())));
    known.addAll(keeping());
    known.addAll(rivals);
    question.watch().part(SHARE - 2 * SEARCH_SHARE, SIMULATIONS);
    Candidate winner = best;
    views.sort(Comparator.comparingDouble(view -> missed(winner, view)));
    List<Candidate> kept = fittest(served(known, begun, views.get(0)));
    kept = fittest(with(kept, inView(kept, views.get(views.size() - 1))));
    kept = fittest(with(kept, inTpotRoles(kept)));
    for (Candidate candidate : kept) {
      best = better(best, candidate);
    }
    Candidate confirmed = best;
    if (kept.removeIf(candidate -> candidate == confirmed)) {
      kept.add(0, confirmed);
    }
    for (Candidate start : kept.subList(0, Math.min(CLIMBERS, kept.size()))) {
      Moves moves = new Moves(question, new SplittableRandom(question.options().seed()));
      best = better(best, AdaptiveStrategy.climbed(moves, start, MOVES, this::missed));
    }
    return best;
  }

  /** What searches find where only groups that keep the SLO count. */
  private List<Candidate> keeping() {
    SearchSpace space = question.space().keeping(question.slo());
    ServingPolicy free = question.withRouter(Candidates.FREE);
    List<Candidate> found = new ArrayList<>();
    for (Roles roles : List.of(new SplitRoles(), new MixedRoles())) {
      SearchWatch watch = question.watch().sub(SEARCH_SHARE);
      watch.part(1, question.evaluations());
      for (Arrangement arrangement :
          GeneticSearch.run(space, roles, watch, question.options().seed(), PER_SEARCH)) {
        if (arrangement.isFeasible()) {
          found.add(new Candidate(arrangement, free, "groups that keep the SLO"));
        }
      }
    }
    return found;
  }

  /** Those that are known in several ways, what planning began with as it was. */
  private List<Candidate> served(List<Candidate> known, List<Candidate> begun, Slo view) {
    List<Candidate> served = new ArrayList<>();
    for (Candidate candidate : known) {
      served.add(candidate);
      for (ServingPolicy way : WAYS) {
        served.add(candidate.withPolicy(question.withRouter(way)));
      }
    }
    return inView(with(served, begun), view);
  }

  private static List<Candidate> inView(List<Candidate> candidates, Slo view) {
    List<Candidate> served = new ArrayList<>();
    for (Candidate candidate : candidates) {
      served.add(candidate.withPolicy(candidate.policy().withSlo(view)));
    }
    return served;
  }

  /** The best few in roles by who keeps the TPOT. */
  private List<Candidate> inTpotRoles(List<Candidate> kept) {
    TpotRoles roles = new TpotRoles(question);
    List<Candidate> found = new ArrayList<>();
    for (Candidate candidate : kept.subList(0, Math.min(IN_TPOT_ROLES, kept.size()))) {
      found.addAll(roles.of(candidate));
    }
    return found;
  }

  private static List<Candidate> with(List<Candidate> some, List<Candidate> more) {
    List<Candidate> all = new ArrayList<>(some);
    all.addAll(more);
    return all;
  }

  /**
   * Those that keep most of the SLO on a few requests, the best first. Of those with which the same
   * comes of it to the last digit, such as one served in ways that make no difference to it, the
   * first stands for all.
   */
  private List<Candidate> fittest(List<Candidate> candidates) {
    List<Candidate> fittest = new ArrayList<>();
    for (Candidate candidate : Candidate.distinct(candidates, question.space())) {
      double limit =
          fittest.size() < KEPT
              ? Double.MAX_VALUE
              : missed(fittest.get(KEPT - 1), Double.MAX_VALUE);
      double missed = missed(candidate, limit);
      if (missed < limit && !isAmong(candidate, fittest)) {
        int at = Math.min(KEPT - 1, fittest.size());
        fittest.subList(at, fittest.size()).clear();
        while (at > 0 && missed(fittest.get(at - 1), Double.MAX_VALUE) > missed) {
          at--;
        }
        fittest.add(at, candidate);
      }
    }
    return fittest;
  }

  private boolean isAmong(Candidate candidate, List<Candidate> fittest) {
    Trials.Outcome outcome = trials.outcome(candidate, rounds.few());
    return fittest.stream().anyMatch(one -> trials.outcome(one, rounds.few()).equals(outcome));
  }

  private double missed(Candidate candidate, Slo view) {
    return missed(candidate.withPolicy(candidate.policy().withSlo(view)), Double.MAX_VALUE);
  }

  /** What shall be low, if it is below a limit; nothing that is too slow is taken. */
  private double missed(Candidate candidate, double limit) {
    Requests few = rounds.few();
    double most = limits.few();
    return trials.isWanted(
            candidate, few, outcome -> outcome.seconds() <= most && outcome.missed() < limit)
        ? trials.outcome(candidate, few).missed()
        : Double.MAX_VALUE;
  }

  /** The second if it keeps more of the SLO, on the requests of the round and on others. */
  private Candidate better(Candidate best, Candidate next) {
    double most = limits.denser();
    return keepsMore(best, next, rounds.main(), limits.main())
            && trials.isWanted(next, rounds.denser(), outcome -> outcome.seconds() <= most)
            && keepsMore(best, next, rounds.more(), limits.more(next))
        ? next
        : best;
  }

  private boolean keepsMore(Candidate best, Candidate next, Requests on, double most) {
    Trials.Outcome before = trials.outcome(best, on);
    return trials.isWanted(
        next,
        on,
        outcome ->
            outcome.seconds() <= most
                && outcome.missed() + price(before.seconds(), outcome.seconds())
                    < before.missed() - WORTH_CHANGING);
  }

  /** Goodput that must be gained for taking so much more time. */
  private static double price(double before, double after) {
    return after <= before ? 0 : WORTH_OF_TIME * (after / before - 1);
  }
}
