package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.e2llm.planner.workload.Requests;
import org.jspecify.annotations.Nullable;

/**
 * How much mean end-to-end time what keeps more of an SLO may take in each round: hardly more than
 * what is quickest of all, or a little more than the quickest of the other strategies.
 */
final class TimeLimits {
  /** How much more end-to-end time than the quickest of the other strategies' it may take. */
  private static final double SLOWER_THAN_OTHERS = 1.09;

  /**
   * In the main round, if it does not take more than that with others: near saturation a mean over
   * so few requests is still half chance.
   */
  private static final double SLOWER_BY_CHANCE = 1.2;

  /**
   * With others, of which there are twice as many, if it does not take more in the main round:
   * beyond capacity times grow with what was let wait.
   */
  private static final double SLOWER_FOR_MORE = 1.15;

  /** When more come than are asked for: near saturation little more makes long queues. */
  private static final double SLOWER_WHEN_DENSER = 2.5;

  /** Of the other strategies, one so many times slower on few requests is not the quickest. */
  private static final double NEAR = 1.25;

  private final Trials trials;
  private final Rounds rounds;
  private final Candidate quickest;

  /** What the other strategies plan, as these serve it. */
  private final List<Candidate> rivals;

  /** The quickest of them, once this was asked. */
  private @Nullable Candidate quickestOther;

  TimeLimits(Trials trials, Rounds rounds, Candidate quickest, List<Candidate> rivals) {
    this.trials = trials;
    this.rounds = rounds;
    this.quickest = quickest;
    this.rivals = rivals;
  }

  double few() {
    return most(rounds.few(), SLOWER_THAN_OTHERS);
  }

  double main() {
    return most(rounds.main(), SLOWER_BY_CHANCE);
  }

  /** For a candidate that was within the limit of the main round. */
  double more(Candidate candidate) {
    double seconds = trials.outcome(candidate, rounds.main()).seconds();
    boolean isSlower = seconds > most(rounds.main(), SLOWER_THAN_OTHERS);
    return most(rounds.more(), isSlower ? SLOWER_THAN_OTHERS : SLOWER_FOR_MORE);
  }

  double denser() {
    return most(rounds.denser(), SLOWER_WHEN_DENSER);
  }

  private double most(Requests on, double slowerThanOthers) {
    return Math.max(
        Finals.SLOWER * trials.outcome(quickest, on).seconds(),
        slowerThanOthers * othersSeconds(on));
  }

  /** Of the other strategy that is the quickest in the main round; 0 if there is none. */
  private double othersSeconds(Requests on) {
    if (rivals.isEmpty()) {
      return 0;
    }
    if (quickestOther == null) {
      quickestOther = least(near(), rounds.main());
    }
    return trials.outcome(quickestOther, on).seconds();
  }

  /** Those of the others that may be the quickest, most likely ones first. */
  private List<Candidate> near() {
    Requests few = rounds.few();
    double most = NEAR * trials.outcome(least(rivals, few), few).seconds();
    List<Candidate> near = new ArrayList<>(rivals);
    near.removeIf(rival -> !trials.isWanted(rival, few, outcome -> outcome.seconds() <= most));
    near.sort(Comparator.comparingDouble(rival -> trials.outcome(rival, few).seconds()));
    return near;
  }

  /** The first of those that take the least time. */
  private Candidate least(List<Candidate> candidates, Requests on) {
    Candidate first = candidates.get(0);
    for (Candidate candidate : candidates) {
      double limit = trials.outcome(first, on).seconds();
      if (trials.isWanted(candidate, on, outcome -> outcome.seconds() < limit)) {
        first = candidate;
      }
    }
    return first;
  }
}
