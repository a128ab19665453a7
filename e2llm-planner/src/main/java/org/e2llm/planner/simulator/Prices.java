package org.e2llm.planner.simulator;

import java.util.Arrays;
import java.util.List;
import org.e2llm.planner.simulator.Resources.Use;

/**
 * What a second of each of a plan's {@link Resources} is worth. A request costs at least
 *
 * <pre>
 *   min over replicas p, d of ( prompt on p + answer on d + hidden states + KV cache from p to d )
 * </pre>
 *
 * and all that are served in some time no more than all resources are {@link #worth} in it,
 * whatever the prices.
 *
 * <p>Good prices leave nothing cheap that many need. They are found by serving requests where they
 * cost least, and making dearer, again and again, what that takes most of (multiplicative weights;
 * Young, SODA 1995, for packing problems).
 */
final class Prices {
  /** How much the price of the scarcest rises, at first and at last. */
  private static final double[] RISES = {0.5, 0.2, 0.1, 0.05, 0.02};

  private static final int STEPS = 50;

  private final Resources resources;
  private final boolean answers;

  /** By replica and charge. */
  private final double[][] charges;

  private final double[] interfaces;

  // What follows from them, of a token.

  private final double[] hidden;
  private final double[][] handoff;

  // Of the request at hand.

  private final double[] prompt;
  private final double[] answer;

  /**
   * All the same.
   *
   * @param answers whether answers count, or prompts alone
   */
  private Prices(Resources resources, boolean answers) {
    this.resources = resources;
    this.answers = answers;
    int n = resources.replicas();
    charges = new double[n][];
    for (int r = 0; r < n; r++) {
      charges[r] = new double[resources.charges(r)];
      Arrays.fill(charges[r], 1);
    }
    interfaces = new double[resources.interfaces()];
    Arrays.fill(interfaces, 1);
    hidden = new double[n];
    handoff = new double[n][n];
    prompt = new double[n];
    answer = new double[n];
    reckonTransfers();
  }

  private Prices(Prices other) {
    this(other.resources, other.answers);
    for (int r = 0; r < charges.length; r++) {
      charges[r] = other.charges[r].clone();
    }
    System.arraycopy(other.interfaces, 0, interfaces, 0, interfaces.length);
    reckonTransfers();
  }

  private void reckonTransfers() {
    for (int r = 0; r < hidden.length; r++) {
      hidden[r] = product(interfaces, resources.hidden(r));
      for (int d = 0; d < hidden.length; d++) {
        double[] seconds = resources.handoff(r, d);
        handoff[r][d] =
            r == d ? 0 : seconds == null ? Double.POSITIVE_INFINITY : product(interfaces, seconds);
      }
    }
  }

  private static double product(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  /**
   * Prices with which few of these fit into a time.
   *
   * @param answers whether answers count, or prompts alone
   */
  static Prices of(Resources resources, List<Use> typical, boolean answers) {
    Prices now = new Prices(resources, answers);
    Prices best = now;
    double least = Double.POSITIVE_INFINITY;
    for (double rise : RISES) {
      for (int step = 0; step < STEPS; step++) {
        Prices taken = new Prices(resources, answers);
        taken.clear();
        double cost = 0;
        for (Use use : typical) {
          cost += now.cost(use);
          now.add(use, taken);
        }
        double fit = now.worth() / cost;
        if (fit < least) {
          least = fit;
          best = new Prices(now);
        }
        now.raise(taken, rise);
      }
      now = new Prices(best);
    }
    return best;
  }

  private void clear() {
    for (double[] each : charges) {
      Arrays.fill(each, 0);
    }
    Arrays.fill(interfaces, 0);
  }

  /** What a second of everything is worth. */
  double worth() {
    double sum = Arrays.stream(interfaces).sum();
    for (double[] each : charges) {
      sum += Arrays.stream(each).sum();
    }
    return sum;
  }

  /** What a request costs at least. */
  double cost(Use use) {
    int n = hidden.length;
    boolean answered = answers && use.tokensOut() > 1;
    double least = Double.POSITIVE_INFINITY;
    for (int r = 0; r < n; r++) {
      double[] first = use.prompt()[r];
      double[] rest = use.answer()[r];
      prompt[r] =
          first == null
              ? Double.POSITIVE_INFINITY
              : product(charges[r], first) + use.tokensIn() * hidden[r];
      answer[r] =
          rest == null || !answered
              ? Double.POSITIVE_INFINITY
              : product(charges[r], rest) + (use.tokensOut() - 1) * hidden[r];
      least = answered ? least : Math.min(least, prompt[r]);
    }
    for (int p = 0; p < n && answered; p++) {
      for (int d = 0; d < n; d++) {
        least = Math.min(least, prompt[p] + answer[d] + use.tokensIn() * handoff[p][d]);
      }
    }
    return least;
  }

  /** Adds to {@code taken} what the request takes where it costs least, as last reckoned. */
  private void add(Use use, Prices taken) {
    int n = hidden.length;
    boolean answered = answers && use.tokensOut() > 1;
    int bestP = 0;
    int bestD = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int p = 0; p < n; p++) {
      for (int d = 0; d < n; d++) {
        double cost = answered ? prompt[p] + answer[d] + use.tokensIn() * handoff[p][d] : prompt[p];
        if (cost < least) {
          least = cost;
          bestP = p;
          bestD = d;
        }
      }
    }
    add(taken.charges[bestP], use.prompt()[bestP], 1);
    add(taken.interfaces, resources.hidden(bestP), use.tokensIn());
    if (answered) {
      add(taken.charges[bestD], use.answer()[bestD], 1);
      add(taken.interfaces, resources.hidden(bestD), use.tokensOut() - 1);
      double[] moved = resources.handoff(bestP, bestD);
      if (moved != null) {
        add(taken.interfaces, moved, use.tokensIn());
      }
    }
  }

  private static void add(double[] into, double[] what, double times) {
    for (int i = 0; i < into.length; i++) {
      into[i] += times * what[i];
    }
  }

  private void raise(Prices taken, double rise) {
    double most = Arrays.stream(taken.interfaces).max().orElse(0);
    for (double[] each : taken.charges) {
      most = Math.max(most, Arrays.stream(each).max().orElse(0));
    }
    if (most > 0) {
      for (int r = 0; r < charges.length; r++) {
        raise(charges[r], taken.charges[r], rise / most);
      }
      raise(interfaces, taken.interfaces, rise / most);
    }
    reckonTransfers();
  }

  private static void raise(double[] prices, double[] taken, double times) {
    for (int i = 0; i < prices.length; i++) {
      prices[i] *= 1 + times * Math.max(0, taken[i]);
    }
  }
}
