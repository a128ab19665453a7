package org.e2llm.planner.simulator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.e2llm.plan.Slo;
import org.e2llm.planner.simulator.ReplicaFloor.Costs;
import org.e2llm.planner.workload.Requests;

/**
 * The goodput that no policy can exceed on a plan, even if it knew all that is to come: any router,
 * any batches, any replica for either phase, any request left for later.
 *
 * <p>A request can be inside the SLO only if some replica, alone, gives its first token in time and
 * some (maybe another) the tokens after it. Of those that can, only so many fit into the time that
 * there is. Let r's own time be worth α_r a second, for any α_r &gt;= 0. A request costs at least
 *
 * <pre>
 *   e = min over r of α_r · prompt_r  +  min over r of α_r · answer_r      see {@link ReplicaFloor}
 * </pre>
 *
 * and all that come from u on and are due until v cost no more than sum of α_r · (v − u). How many
 * fit at most is {@link DeadlineWork}'s. It is asked twice, and the lower answer taken: for whole
 * requests, which are due when their last token is, and for prompts alone, which are due with the
 * first token. Every α gives a bound; taken is the one that is the tightest for a mean request.
 *
 * <p>What it leaves out, so that it is seldom reached: hand-offs and traffic cost nothing, a
 * request may be computed on all replicas at once, and the future is known.
 */
public final class GoodputBound {
  private static final int SHARES = 20;

  /** Sums are rounded, and requests that just fit must. */
  private static final double ROUNDING = 1e-6;

  private final List<ReplicaFloor> replicas = new ArrayList<>();
  private final List<List<Costs>> ways = new ArrayList<>();
  private final Requests requests;
  private final Slo slo;
  private final int[] possible;

  private GoodputBound(Deployment deployment, Requests requests, int first, Slo slo) {
    this.requests = requests;
    this.slo = slo;
    for (int r = 0; r < deployment.replicas(); r++) {
      replicas.add(new ReplicaFloor(deployment, r));
    }
    int[] found = new int[requests.size()];
    int count = 0;
    for (int i = first; i < requests.size(); i++) {
      if (isPossible(i)) {
        found[count++] = i;
      }
    }
    possible = Arrays.copyOf(found, count);
  }

  /**
   * Share of the requests from {@code first} on that can be inside the SLO.
   *
   * @param deployments plans that are compared; the one that allows most counts
   * @param first requests before it are warm-up
   */
  public static double of(List<Deployment> deployments, Requests requests, int first, Slo slo) {
    double most = 0;
    for (Deployment deployment : deployments) {
      GoodputBound bound = new GoodputBound(deployment, requests, first, slo);
      if (bound.possible.length > most) {
        most = Math.max(most, Math.min(bound.possible.length, bound.mostInTime()));
      }
    }
    return Math.min(1, most / (requests.size() - first));
  }

  private boolean isPossible(int request) {
    return replicas.stream().anyMatch(replica -> canBegin(replica, request))
        && (requests.output(request) == 1
            || replicas.stream().anyMatch(replica -> canAnswer(replica, request)));
  }

  private boolean canBegin(ReplicaFloor replica, int request) {
    int prompt = requests.prompt(request);
    return replica.holds(prompt) && replica.ttft(prompt) <= slo.ttftSeconds() * (1 + ROUNDING);
  }

  private boolean canAnswer(ReplicaFloor replica, int request) {
    int prompt = requests.prompt(request);
    return replica.holds(prompt + requests.output(request))
        && replica.tpot(prompt) <= slo.tpotSeconds() * (1 + ROUNDING);
  }

  private double mostInTime() {
    int least = Arrays.stream(possible).map(requests::prompt).min().orElse(1);
    replicas.forEach(replica -> ways.add(replica.costs(slo, least)));
    double most = possible.length;
    if (slo.ttftSeconds() < Double.POSITIVE_INFINITY) {
      most = Math.min(most, mostInTime(reckoned(1), false));
      if (slo.tpotSeconds() < Double.POSITIVE_INFINITY) {
        most = Math.min(most, mostInTime(tightest(), true));
      }
    }
    return most;
  }

  private double mostInTime(Reckoning reckoning, boolean answers) {
    int n = possible.length;
    double[] from = new double[n];
    double[] due = new double[n];
    double[] work = new double[n];
    for (int i = 0; i < n; i++) {
      int request = possible[i];
      from[i] = requests.arrival(request);
      due[i] = from[i] + slo.ttftSeconds();
      work[i] = promptWork(reckoning, request);
      if (answers && requests.output(request) > 1) {
        due[i] += slo.tpotSeconds() * (requests.output(request) - 1);
        work[i] += answerWork(reckoning, request);
      }
    }
    return DeadlineWork.mostInTime(from, due, work, reckoning.worth() * (1 + ROUNDING)) + ROUNDING;
  }

  private double promptWork(Reckoning reckoning, int request) {
    double least = Double.POSITIVE_INFINITY;
    for (int r = 0; r < replicas.size(); r++) {
      if (canBegin(replicas.get(r), request)) {
        double seconds = reckoning.costs()[r].prompt(requests.prompt(request));
        least = Math.min(least, reckoning.alpha()[r] * seconds);
      }
    }
    return least;
  }

  private double answerWork(Reckoning reckoning, int request) {
    double least = Double.POSITIVE_INFINITY;
    for (int r = 0; r < replicas.size(); r++) {
      if (canAnswer(replicas.get(r), request)) {
        double seconds =
            reckoning.costs()[r].answer(requests.prompt(request), requests.output(request));
        least = Math.min(least, reckoning.alpha()[r] * seconds);
      }
    }
    return least;
  }

  /**
   * How costs are reckoned.
   *
   * @param costs of each replica
   * @param alpha what a second of each is worth
   */
  private record Reckoning(Costs[] costs, double[] alpha) {
    double worth() {
      return Arrays.stream(alpha).sum();
    }
  }

  private Reckoning tightest() {
    Reckoning best = reckoned(1);
    for (int i = 0; i < SHARES; i++) {
      Reckoning next = reckoned((double) i / SHARES);
      if (next.worth() < best.worth()) {
        best = next;
      }
    }
    return best;
  }

  /**
   * The least worth with which the prompt of a mean request costs {@code share} at least and its
   * answer the rest: then there can be no more mean requests per second than all replicas are
   * worth.
   */
  private Reckoning reckoned(double share) {
    double prompt = Arrays.stream(possible).map(requests::prompt).average().orElse(1);
    double output = Arrays.stream(possible).map(requests::output).average().orElse(1);
    Costs[] costs = new Costs[replicas.size()];
    double[] alpha = new double[costs.length];
    for (int r = 0; r < costs.length; r++) {
      alpha[r] = Double.POSITIVE_INFINITY;
      for (Costs way : ways.get(r)) {
        double answer = way.answer(prompt, output);
        double forAnswer = share == 1 ? 0 : (1 - share) / Math.max(0, answer);
        double worth = Math.max(share / way.prompt(prompt), forAnswer);
        if (costs[r] == null || worth < alpha[r]) {
          costs[r] = way;
          alpha[r] = worth;
        }
      }
    }
    return new Reckoning(costs, alpha);
  }
}
