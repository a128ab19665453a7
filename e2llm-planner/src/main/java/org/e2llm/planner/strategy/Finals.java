package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.plan.Slo;
import org.e2llm.planner.workload.Requests;

/**
 * The last round: what the search found against what the other strategies would plan, then ways to
 * serve the winner and those behind it. All on the same requests.
 *
 * <p>An SLO in view is tried only here, so that it changes nothing about which plans are found: it
 * replaces the winner if more requests are inside the SLO, at a mean end-to-end time that is as
 * good but for a few hundredths.
 */
final class Finals {
  /** About as many are run: progress is told by it. */
  static final int SIMULATIONS = 75;

  /** Of how many plans other ways to serve are tried. */
  private static final int SERVED_OTHERWISE = 3;

  /** How much end-to-end time may be given for goodput. */
  private static final double SLOWER = 1.03;

  /** Goodput that is noise of a simulation. */
  private static final double WORTH_CHANGING = 0.005;

  /** A rival so many times slower than the best on few requests is not looked at again. */
  private static final double HOPELESS = 2;

  /** Simulations with which a plan that has an SLO in view is made to fit it. */
  private static final int MOVES = 40;

  private final Question question;
  private final Trials trials;
  private final Requests fewer;
  private final Requests requests;

  /**
   * Prepares.
   *
   * @param fewer for what is only looked at
   * @param requests of the round
   */
  Finals(Question question, Trials trials, Requests fewer, Requests requests) {
    this.question = question;
    this.trials = trials;
    this.fewer = fewer;
    this.requests = requests;
  }

  /** The best few, the best first. */
  List<Candidate> best(List<Candidate> found, List<Candidate> rivals, int wanted) {
    List<Candidate> all = new ArrayList<>(found);
    all.addAll(inSight(found, rivals));
    all = trials.best(all, requests, all.size());
    List<Candidate> served = new ArrayList<>();
    for (Candidate candidate : all.subList(0, Math.min(SERVED_OTHERWISE, all.size()))) {
      for (ServingPolicy policy :
          List.of(Candidates.FREE, Candidates.SHORTEST, ServingPolicy.ROLES)) {
        served.add(candidate.withPolicy(asked(policy)));
      }
    }
    all.addAll(served);
    all = distinct(trials.best(all, requests, all.size()));
    Candidate winner = inTime(all);
    all.remove(winner);
    all.add(0, winner);
    return new ArrayList<>(all.subList(0, Math.min(wanted, all.size())));
  }

  private ServingPolicy asked(ServingPolicy policy) {
    RouterKind router = question.options().router();
    return router == null ? policy : policy.withRouter(router);
  }

  /** Rivals that are not far behind. */
  private List<Candidate> inSight(List<Candidate> found, List<Candidate> rivals) {
    double least = Double.POSITIVE_INFINITY;
    for (Candidate candidate : found) {
      least = Math.min(least, trials.outcome(candidate, fewer).seconds());
    }
    List<Candidate> inSight = new ArrayList<>();
    for (Candidate rival : rivals) {
      if (trials.outcome(rival, fewer).seconds() <= HOPELESS * least) {
        inSight.add(rival);
      }
    }
    return inSight;
  }

  private List<Candidate> distinct(List<Candidate> candidates) {
    Set<String> keys = new HashSet<>();
    List<Candidate> distinct = new ArrayList<>();
    for (Candidate candidate : candidates) {
      if (keys.add(candidate.key(question.space()))) {
        distinct.add(candidate);
      }
    }
    return distinct;
  }

  /** The first of them, unless one with an SLO in view keeps more of it. */
  private Candidate inTime(List<Candidate> all) {
    Candidate first = all.get(0);
    Candidate best = first;
    Set<Slo> views = inView(question.slo());
    for (Candidate candidate :
        List.copyOf(all.subList(0, Math.min(SERVED_OTHERWISE, all.size())))) {
      for (Slo slo : views) {
        best = better(best, candidate.withPolicy(candidate.policy().withSlo(slo)), first);
      }
    }
    if (views.isEmpty() || trials.outcome(best, requests).goodput() > 1 - WORTH_CHANGING) {
      return best;
    }
    double limit = SLOWER * trials.outcome(first, fewer).seconds();
    Candidate start =
        best != first ? best : first.withPolicy(first.policy().withSlo(question.slo()));
    Moves moves = new Moves(question, new SplittableRandom(question.options().seed()));
    Candidate fitted = AdaptiveStrategy.climbed(moves, start, MOVES, at -> missed(at, limit));
    return better(best, fitted, first);
  }

  /** The second if it keeps more of the SLO and is hardly slower than the first of all. */
  private Candidate better(Candidate best, Candidate next, Candidate first) {
    Trials.Outcome outcome = trials.outcome(next, requests);
    double limit = SLOWER * trials.outcome(first, requests).seconds();
    double goodput = trials.outcome(best, requests).goodput() + WORTH_CHANGING;
    return outcome.goodput() > goodput && outcome.seconds() <= limit ? next : best;
  }

  /** One and the share outside the SLO, so that a hundredth is one; nothing slower is taken. */
  private double missed(Candidate candidate, double limit) {
    Trials.Outcome outcome = trials.outcome(candidate, fewer);
    return outcome.seconds() <= limit ? 2 - outcome.goodput() : Double.MAX_VALUE;
  }

  /** Its TTFT alone, or all of it; nothing where there is none. */
  private static Set<Slo> inView(Slo slo) {
    Set<Slo> views = new LinkedHashSet<>(); // in order: the same question has the same answer
    views.add(new Slo(slo.ttftSeconds(), Double.POSITIVE_INFINITY));
    views.add(slo);
    views.remove(Slo.NONE);
    return views;
  }
}
