package org.e2llm.planner.simulator;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.e2llm.plan.Slo;
import org.e2llm.planner.simulator.Resources.Use;
import org.e2llm.planner.workload.Requests;

/**
 * The goodput that no policy can exceed on a plan, even if it knew all that is to come: any router,
 * any batches, any replica for either phase, any request left for later. One thing only is asked of
 * it, which all here do: that memory is kept for all that a request may come to need, so that
 * nothing is evicted half-way.
 *
 * <p>A request can be inside the SLO only if some replica, alone, gives its first token in time and
 * some (maybe another) the tokens after it. Of those that can, only so many fit into the time that
 * there is: whatever seconds of replicas, memory and interfaces are worth ({@link Prices}), all
 * requests that come from u on and are due until v cost no more than v − u seconds of everything.
 * How many fit at most is {@link DeadlineWork}'s. It is asked for whole requests, which are due
 * when their last token is, and for prompts alone, which are due with the first token; each with
 * prices that are good for all requests, and with prices that are good for those that fitted then.
 * All of these are bounds, and the lowest counts.
 *
 * <p>What it leaves out, so that it is seldom reached: a request may be computed on all replicas at
 * once and put off at any moment, and the future is known.
 */
public final class GoodputBound {
  /** Of so many requests prices are found. */
  private static final int TYPICAL = 24;

  private static final int ROUNDS = 2;

  private final Resources resources;
  private final Requests requests;
  private final Slo slo;

  /** Numbers of the requests that can be in time, and what each takes. */
  private final List<Integer> possible = new ArrayList<>();

  private final List<Use> uses = new ArrayList<>();

  private GoodputBound(Deployment deployment, Requests requests, int first, Slo slo) {
    this.requests = requests;
    this.slo = slo;
    int least = Integer.MAX_VALUE;
    double in = 0;
    double out = 0;
    int n = requests.size() - first;
    for (int i = first; i < requests.size(); i++) {
      least = Math.min(least, requests.prompt(i));
      in += (double) requests.prompt(i) / n;
      out += (double) requests.output(i) / n;
    }
    resources = new Resources(deployment, slo, least, in, out);
    for (int i = first; i < requests.size(); i++) {
      int most = requests.prompt(i) + requests.maxTokens(i);
      Use use = resources.use(requests.prompt(i), requests.output(i), most);
      if (resources.isPossible(use)) {
        possible.add(i);
        uses.add(use);
      }
    }
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
      if (bound.uses.size() > most) {
        most = Math.max(most, bound.mostInTime());
      }
    }
    return Math.min(1, most / (requests.size() - first));
  }

  private double mostInTime() {
    double most = uses.size();
    if (slo.ttftSeconds() < Double.POSITIVE_INFINITY) {
      most = Math.min(most, mostInTime(false));
      if (slo.tpotSeconds() < Double.POSITIVE_INFINITY) {
        most = Math.min(most, mostInTime(true));
      }
    }
    return most;
  }

  private double mostInTime(boolean answers) {
    double most = uses.size();
    List<Use> typical = strided(uses);
    for (int round = 0; round < ROUNDS && !typical.isEmpty(); round++) {
      Prices prices = Prices.of(resources, typical, answers);
      double[] costs = uses.stream().mapToDouble(prices::cost).toArray();
      double fit = mostInTime(costs, prices.worth(), answers);
      most = Math.min(most, fit);
      typical = strided(cheapest(costs, (int) fit));
    }
    return most;
  }

  private static List<Use> strided(List<Use> all) {
    List<Use> some = new ArrayList<>();
    int count = Math.min(TYPICAL, all.size());
    for (int i = 0; i < count; i++) {
      some.add(all.get((int) ((2L * i + 1) * all.size() / (2 * count))));
    }
    return some;
  }

  private List<Use> cheapest(double[] costs, int count) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < costs.length; i++) {
      order.add(i);
    }
    order.sort(Comparator.comparingDouble(i -> costs[i]));
    List<Use> cheapest = new ArrayList<>();
    for (int i : order.subList(0, Math.min(count, costs.length))) {
      cheapest.add(uses.get(i));
    }
    return cheapest;
  }

  private double mostInTime(double[] costs, double worth, boolean answers) {
    int n = costs.length;
    double[] from = new double[n];
    double[] due = new double[n];
    for (int i = 0; i < n; i++) {
      int request = possible.get(i);
      from[i] = requests.arrival(request);
      due[i] = from[i] + slo.ttftSeconds();
      if (answers && requests.output(request) > 1) {
        due[i] += slo.tpotSeconds() * (requests.output(request) - 1);
      }
    }
    return DeadlineWork.mostInTime(from, due, costs, worth * (1 + Resources.ROUNDING))
        + Resources.ROUNDING;
  }
}
