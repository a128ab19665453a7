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
 * The last round: what the search found against what the other strategies would plan, then other
 * ways to serve the best of them. Whatever takes the place of what the search found must be hardly
 * slower in mean end-to-end time.
 *
 * <p>An SLO in view is tried only here, so that it changes nothing about which plans are found: it
 * is for whoever keeps more requests inside the SLO by it.
 */
final class Finals {
  /** About as many are run: progress is told by it. */
  static final int SIMULATIONS = 90;

  /** Of how many plans other ways to serve are tried. */
  private static final int SERVED_OTHERWISE = 3;

  /** Of how many an SLO is tried in view. */
  private static final int IN_VIEW = 4;

  private static final List<ServingPolicy> WAYS =
      List.of(Candidates.FREE, Candidates.SHORTEST, ServingPolicy.ROLES);

  /** How much end-to-end time may be given for goodput: hardly any. */
  private static final double SLOWER = 1.03;

  /**
   * How many times as much comes when it is seen whether a plan does as much as another: near
   * saturation a mean over some thousand requests does not tell that one does a little less.
   */
  private static final double MORE_LOAD = 1.1;

  /** Goodput that is noise of a simulation. */
  private static final double WORTH_CHANGING = 0.005;

  /** A rival so many times slower than the best on few requests is not looked at again. */
  private static final double HOPELESS = 2;

  /** Simulations with which a plan that has an SLO in view is made to fit it. */
  private static final int MOVES = 40;

  /** Numbers of the rounds that confirm what takes the place of what the search found. */
  private static final int MORE = 5;

  private static final int DENSER = 6;

  private final Question question;
  private final Trials trials;
  private final Requests fewer;
  private final Requests requests;
  private final Requests more;
  private final Requests denser;

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
    this.more = trials.requests(2 * requests.size(), MORE);
    this.denser = trials.requests(requests.size(), DENSER, MORE_LOAD);
  }

  /** The best few, the best first. */
  List<Candidate> best(List<Candidate> found, List<Candidate> rivals, int wanted) {
    List<Candidate> all = trials.best(found, requests, found.size());
    Candidate own = all.get(0);
    all.addAll(asQuick(own, inSight(found, rivals)));
    all = trials.best(all, requests, all.size());
    List<Candidate> served = new ArrayList<>();
    for (Candidate candidate : all.subList(0, Math.min(SERVED_OTHERWISE, all.size()))) {
      for (ServingPolicy policy : WAYS) {
        served.add(candidate.withPolicy(asked(policy)));
      }
    }
    all.addAll(asQuick(own, served));
    all = distinct(trials.best(all, requests, all.size()));
    while (!isConfirmed(all.get(0), own)) {
      all.remove(0); // at the latest what the search found is as quick as itself
    }
    boolean sooner = seconds(all.get(0)) < seconds(own);
    Candidate winner = inTime(all, sooner ? all.get(0) : own);
    all.remove(winner);
    all.add(0, winner);
    return new ArrayList<>(all.subList(0, Math.min(wanted, all.size())));
  }

  private double seconds(Candidate candidate) {
    return trials.outcome(candidate, requests).seconds();
  }

  /** Those that are hardly slower than what the search found. */
  private List<Candidate> asQuick(Candidate own, List<Candidate> candidates) {
    List<Candidate> quick = new ArrayList<>(candidates);
    quick.removeIf(candidate -> !isAsQuick(candidate, own, requests));
    return quick;
  }

  private boolean isAsQuick(Candidate candidate, Candidate own, Requests on) {
    double most = SLOWER * trials.outcome(own, on).seconds();
    return trials.isWanted(candidate, on, outcome -> outcome.seconds() <= most);
  }

  /**
   * Whether it is also hardly slower on twice as many other requests, since beyond capacity times
   * grow with what was let wait, and when more come than were asked for.
   */
  private boolean isConfirmed(Candidate candidate, Candidate own) {
    return isAsQuick(candidate, own, more) && isAsQuick(candidate, own, denser);
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
    double most = HOPELESS * least;
    List<Candidate> inSight = new ArrayList<>();
    for (Candidate rival : rivals) {
      if (trials.isWanted(rival, fewer, outcome -> outcome.seconds() <= most)) {
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

  /**
   * The first of them, unless one with an SLO in view keeps more of it.
   *
   * @param quickest that they must be hardly slower than
   */
  private Candidate inTime(List<Candidate> all, Candidate quickest) {
    Candidate best = all.get(0);
    Set<Slo> views = inView(question.slo());
    for (Candidate candidate : all.subList(0, Math.min(IN_VIEW, all.size()))) {
      for (Slo slo : views) {
        best = better(best, candidate.withPolicy(candidate.policy().withSlo(slo)), quickest);
      }
    }
    if (views.isEmpty() || trials.outcome(best, requests).goodput() > 1 - WORTH_CHANGING) {
      return best;
    }
    Candidate start =
        best.policy().slo().equals(Slo.NONE)
            ? best.withPolicy(best.policy().withSlo(question.slo()))
            : best;
    Moves moves = new Moves(question, new SplittableRandom(question.options().seed()));
    Candidate fitted =
        AdaptiveStrategy.climbed(moves, start, MOVES, (at, limit) -> missed(at, quickest, limit));
    return better(best, fitted, quickest);
  }

  /**
   * The second if it keeps more of the SLO, on the requests of the round and on others, and is
   * hardly slower than the quickest.
   */
  private Candidate better(Candidate best, Candidate next, Candidate quickest) {
    return keepsMore(best, next, quickest, requests)
            && keepsMore(best, next, quickest, more)
            && isAsQuick(next, quickest, denser)
        ? next
        : best;
  }

  private boolean keepsMore(Candidate best, Candidate next, Candidate quickest, Requests on) {
    double most = trials.outcome(best, on).missed() - WORTH_CHANGING;
    return isQuickAndBelow(next, quickest, on, most);
  }

  /** What a step shall lower, if it is below a limit; nothing slower is taken. */
  private double missed(Candidate candidate, Candidate quickest, double limit) {
    if (Double.isInfinite(trials.outcome(quickest, fewer).seconds())) {
      return trials.outcome(candidate, fewer).missed(); // nothing to be slower than
    }
    return isQuickAndBelow(candidate, quickest, fewer, limit)
        ? trials.outcome(candidate, fewer).missed()
        : Double.MAX_VALUE;
  }

  private boolean isQuickAndBelow(
      Candidate candidate, Candidate quickest, Requests on, double missed) {
    double seconds = SLOWER * trials.outcome(quickest, on).seconds();
    return trials.isWanted(
        candidate, on, outcome -> outcome.seconds() <= seconds && outcome.missed() < missed);
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
