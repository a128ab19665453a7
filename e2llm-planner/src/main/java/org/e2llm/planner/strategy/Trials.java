package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.e2llm.plan.Plan;
import org.e2llm.plan.Workload;
import org.e2llm.planner.grouping.Member;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.planner.simulator.Metric;
import org.e2llm.planner.simulator.SimulationResult;
import org.e2llm.planner.simulator.Simulator;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.jspecify.annotations.Nullable;

/**
 * Simulates candidates on the workload, all on the same requests, and remembers what came of it.
 *
 * <pre>
 *   cost = mean end-to-end seconds × ( 1 + share of requests outside the SLO )
 * </pre>
 *
 * so that a plan which is a little slower on the mean wins if it keeps more promises. Not
 * thread-safe.
 */
final class Trials {
  /** As the searches' wishes: a preferred device may cost so much. */
  private static final double PREFERENCE = 0.1;

  /**
   * What came of a candidate in a round.
   *
   * @param cost what is compared; lower is better
   * @param seconds mean end-to-end time
   * @param goodput share of requests inside the SLO
   */
  record Outcome(double cost, double seconds, double goodput) {
    /** One and the share of requests outside the SLO, less what preferred devices may cost. */
    double missed() {
      return cost / seconds;
    }
  }

  /** A candidate in a round: the first of those that count as the same. */
  private static final class Trial {
    static final Outcome NOTHING = new Outcome(0, 0, 1);

    final Candidate candidate;

    /** If it was given up, or has not begun, what would have come of it at least. */
    Outcome outcome = NOTHING;

    boolean isOver;

    Trial(Candidate candidate) {
      this.candidate = candidate;
    }
  }

  private final Question question;

  /** By round and what is simulated. */
  private final Map<Requests, Map<String, Trial>> known = new HashMap<>();

  /** By kind of device, from the last round in which a candidate used one. */
  private final Map<Integer, Comparison> comparisons = new HashMap<>();

  /**
   * Mean end-to-end seconds in one round.
   *
   * @param with of the best candidate with a device of some kind
   * @param best of the best candidate of all
   */
  record Comparison(double with, double best) {}

  private final double[] rates;

  Trials(Question question, List<Candidate> candidates) {
    this.question = question;
    Workload workload = question.workload();
    boolean asks = workload.requestsPerSecond() == 0;
    this.rates = PlanComparison.rates(workload, asks ? mostThroughput(candidates) : 0);
  }

  private double mostThroughput(List<Candidate> candidates) {
    double most = 0;
    for (Candidate candidate : candidates) {
      question.watch().step();
      most =
          Math.max(most, PlanComparison.mostThroughput(deployed(candidate), question.workload()));
    }
    return most;
  }

  /** Requests of a round; the same for the same numbers. */
  Requests requests(int count, long round) {
    return requests(count, round, 1);
  }

  /**
   * Requests of a round that come faster than asked.
   *
   * @param times so many times the rate
   */
  Requests requests(int count, long round, double times) {
    long seed = question.options().seed() * 1_000_003 + round;
    double[] faster = Arrays.stream(rates).map(rate -> times * rate).toArray();
    return Requests.poisson(Lengths.of(question.workload()), count, faster, seed);
  }

  /** The best few on these requests, the best first. */
  List<Candidate> best(List<Candidate> candidates, Requests requests, int wanted) {
    List<Candidate> sorted = new ArrayList<>();
    for (Candidate candidate : candidates) {
      if (sorted.size() >= wanted && isBehind(candidate, requests, sorted.subList(0, wanted))) {
        continue;
      }
      double cost = outcome(candidate, requests).cost();
      int at = sorted.size(); // ties go to who came first
      while (at > 0 && Double.compare(outcome(sorted.get(at - 1), requests).cost(), cost) > 0) {
        at--;
      }
      sorted.add(at, candidate);
    }
    compare(sorted, requests);
    return new ArrayList<>(sorted.subList(0, Math.min(wanted, sorted.size())));
  }

  /**
   * Whether a candidate is behind as many as are wanted, and these have what is to be said of its
   * devices: then nobody asks how far behind.
   */
  private boolean isBehind(Candidate candidate, Requests requests, List<Candidate> ahead) {
    Set<Integer> kinds = kinds(List.of(candidate));
    kinds.removeAll(kinds(ahead));
    double most = outcome(ahead.get(ahead.size() - 1), requests).cost();
    return kinds.isEmpty() && !isWanted(candidate, requests, outcome -> outcome.cost() < most);
  }

  private Set<Integer> kinds(List<Candidate> candidates) {
    Set<Integer> kinds = new HashSet<>();
    for (Candidate candidate : candidates) {
      for (Member member : candidate.members()) {
        for (int device : member.devices()) {
          kinds.add(question.space().kind(device));
        }
      }
    }
    return kinds;
  }

  /** What comes of a candidate. */
  Outcome outcome(Candidate candidate, Requests requests) {
    Trial trial = trial(candidate, requests);
    if (!trial.isOver) {
      run(trial, requests, least -> true);
    }
    return trial.outcome;
  }

  /**
   * Whether what comes of a candidate is wanted. A simulation is given up as soon as it is seen
   * that it cannot be, so that most of those cost little; the answer is the same.
   *
   * @param wanted holds for whatever has no more cost and seconds and no less goodput than
   *     something for which it holds
   */
  boolean isWanted(Candidate candidate, Requests requests, Predicate<Outcome> wanted) {
    Trial trial = trial(candidate, requests);
    if (!trial.isOver && (trial.outcome == Trial.NOTHING || wanted.test(trial.outcome))) {
      run(trial, requests, wanted);
    }
    return wanted.test(trial.outcome);
  }

  private Trial trial(Candidate candidate, Requests requests) {
    return known
        .computeIfAbsent(requests, round -> new HashMap<>())
        .computeIfAbsent(candidate.key(question.space()), key -> new Trial(candidate));
  }

  /** To the end, or as long as what it comes to at least is wanted. */
  private void run(Trial trial, Requests requests, Predicate<Outcome> wanted) {
    question.watch().step();
    double preference = 1 + PREFERENCE * preferredShare(trial.candidate);
    SimulationResult result =
        Simulator.run(
            deployed(trial.candidate),
            requests,
            question.slo(),
            (seconds, missed) -> {
              trial.outcome = outcome(seconds, 1 - missed, preference);
              return wanted.test(trial.outcome);
            });
    if (result != null) {
      trial.isOver = true;
      trial.outcome =
          result.answered() < result.requests().size()
              ? new Outcome(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, 0)
              : outcome(
                  result.distribution(Metric.E2E).mean(),
                  result.goodput(question.slo()),
                  preference);
    }
  }

  private static Outcome outcome(double seconds, double goodput, double preference) {
    return new Outcome(PlanComparison.cost(seconds, goodput) / preference, seconds, goodput);
  }

  private double preferredShare(Candidate candidate) {
    Set<String> preferred = question.options().preferred();
    if (preferred.isEmpty()) {
      return 0;
    }
    Set<String> used = new HashSet<>();
    for (Member member : candidate.members()) {
      for (int device : member.devices()) {
        used.add(question.space().network().device(device).id());
      }
    }
    used.retainAll(preferred);
    return (double) used.size() / preferred.size();
  }

  private Deployment deployed(Candidate candidate) {
    Plan plan = PlanMaker.bare(question, candidate);
    return new Deployment(plan, question.space().network(), question.space().cost());
  }

  /** What the last round showed of devices of this kind, or null if none was in it. */
  @Nullable Comparison comparison(int kind) {
    return comparisons.get(kind);
  }

  private void compare(List<Candidate> sorted, Requests requests) {
    Map<Integer, Comparison> round = new HashMap<>();
    double best = outcome(sorted.get(0), requests).seconds();
    for (Candidate candidate : sorted) {
      Comparison comparison = new Comparison(outcome(candidate, requests).seconds(), best);
      for (Member member : candidate.members()) {
        for (int device : member.devices()) {
          round.putIfAbsent(question.space().kind(device), comparison);
        }
      }
    }
    comparisons.putAll(round);
  }
}
