package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
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
  static final int SIMULATIONS = 35;

  /** Of how many plans other ways to serve are tried. */
  private static final int SERVED_OTHERWISE = 3;

  /** How much end-to-end time may be given for goodput. */
  private static final double SLOWER = 1.03;

  /** Goodput that is noise of a simulation. */
  private static final double WORTH_CHANGING = 0.005;

  /** A rival so many times slower than the best on few requests is not looked at again. */
  private static final double HOPELESS = 2;

  private static final int FIRST_REQUESTS = 500;

  private final Question question;
  private final Trials trials;
  private final Requests requests;

  /**
   * Prepares.
   *
   * @param requests of the round
   */
  Finals(Question question, Trials trials, Requests requests) {
    this.question = question;
    this.trials = trials;
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
    Requests few = trials.requests(FIRST_REQUESTS, 3);
    double least = Double.POSITIVE_INFINITY;
    for (Candidate candidate : found) {
      least = Math.min(least, trials.outcome(candidate, few).seconds());
    }
    List<Candidate> inSight = new ArrayList<>();
    for (Candidate rival : rivals) {
      if (trials.outcome(rival, few).seconds() <= HOPELESS * least) {
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
    Candidate best = all.get(0);
    Trials.Outcome first = trials.outcome(best, requests);
    double goodput = first.goodput() + WORTH_CHANGING;
    for (Candidate candidate : all.subList(0, Math.min(SERVED_OTHERWISE, all.size()))) {
      for (Slo slo : inView(question.slo())) {
        Candidate next = candidate.withPolicy(candidate.policy().withSlo(slo));
        Trials.Outcome outcome = trials.outcome(next, requests);
        if (outcome.goodput() > goodput && outcome.seconds() <= SLOWER * first.seconds()) {
          best = next;
          goodput = outcome.goodput();
        }
      }
    }
    return best;
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
