package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.planner.workload.Requests;

/**
 * The last round: what the search found against what the other strategies would plan, then other
 * ways to serve the best of them. Whatever takes the place of what the search found must be hardly
 * slower in mean end-to-end time.
 *
 * <p>An SLO in view is tried only then ({@link InView}), so that it changes nothing about which
 * plans are found without it.
 */
final class Finals {
  /** About as many are run: progress is told by it. */
  static final int SIMULATIONS = 60;

  /** Of how many plans other ways to serve are tried. */
  private static final int SERVED_OTHERWISE = 3;

  private static final List<ServingPolicy> WAYS =
      List.of(Candidates.FREE, Candidates.SHORTEST, ServingPolicy.ROLES);

  /** How much more end-to-end time another plan may take: hardly any. */
  static final double SLOWER = 1.03;

  /** A rival so many times slower than the best on few requests is not looked at again. */
  private static final double HOPELESS = 2;

  private final Question question;
  private final Trials trials;
  private final Rounds rounds;
  private final Requests requests;

  Finals(Question question, Trials trials, Rounds rounds) {
    this.question = question;
    this.trials = trials;
    this.rounds = rounds;
    this.requests = rounds.main();
  }

  /**
   * The best few, the best first.
   *
   * @param found what the search has found, the best of the other searches among it
   * @param begun what it began with
   */
  List<Candidate> best(List<Candidate> found, Candidates begun, int wanted) {
    List<Candidate> rivals = begun.rivals();
    List<Candidate> all = trials.best(found, requests, found.size());
    Candidate own = all.get(0);
    all.addAll(asQuick(own, inSight(found, rivals)));
    all = trials.best(all, requests, all.size());
    List<Candidate> served = new ArrayList<>();
    for (Candidate candidate : all.subList(0, Math.min(SERVED_OTHERWISE, all.size()))) {
      for (ServingPolicy policy : WAYS) {
        served.add(candidate.withPolicy(question.withRouter(policy)));
      }
    }
    all.addAll(asQuick(own, served));
    all = Candidate.distinct(trials.best(all, requests, all.size()), question.space());
    while (!isConfirmed(all.get(0), own)) {
      all.remove(0); // at the latest what the search found is as quick as itself
    }
    boolean sooner = seconds(all.get(0)) < seconds(own);
    InView inView = new InView(question, trials, rounds, sooner ? all.get(0) : own, rivals);
    Candidate winner = inView.best(all, begun.all());
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
    return isAsQuick(candidate, own, rounds.more()) && isAsQuick(candidate, own, rounds.denser());
  }

  /** Rivals that are not far behind. */
  private List<Candidate> inSight(List<Candidate> found, List<Candidate> rivals) {
    double least = Double.POSITIVE_INFINITY;
    for (Candidate candidate : found) {
      least = Math.min(least, trials.outcome(candidate, rounds.few()).seconds());
    }
    double most = HOPELESS * least;
    List<Candidate> inSight = new ArrayList<>();
    for (Candidate rival : rivals) {
      if (trials.isWanted(rival, rounds.few(), outcome -> outcome.seconds() <= most)) {
        inSight.add(rival);
      }
    }
    return inSight;
  }
}
