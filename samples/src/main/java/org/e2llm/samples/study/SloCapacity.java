package org.e2llm.samples.study;

import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.cost.StageCost;

/**
 * An upper bound of how many mean requests per second a fleet can serve within a limit on TPOT,
 * however it is grouped and whatever the router does: the optimum of a linear programme that knows
 * neither links nor memory nor queues.
 *
 * <pre>
 *   largest λ with   sum of p_i >= λ,   sum of d_ib >= λ              prompts and answers per second
 *                    p_i·A_i + sum over b of d_ib·B_ib <= 1           each device's time
 *                    sum of d_ib·(T_ib − limit) <= 0                  TPOT, on the mean
 * </pre>
 *
 * A: seconds of a mean prompt in large chunks; T: seconds of a decode step of b sessions; B = T/b
 * per token of a mean answer, all with the whole model on the device. A device with a part of the
 * layers takes that part of the time at least, so that groups are covered. By duality every (α, μ)
 * gives a bound:
 *
 * <pre>
 *   λ <= sum over i of max( α/A_i , max over b of (1 − α − μ·(T_ib − limit)) / B_ib )
 * </pre>
 */
public final class SloCapacity {
  private static final int CHUNK = 2048;
  private static final int LARGEST_BATCH = 64;
  private static final int STEPS = 60;

  private final double[] prompt;
  private final double[][] step;
  private final double output;
  private final double limit;

  /**
   * Prepares.
   *
   * @param promptTokens of the mean request
   * @param outputTokens of the mean request
   * @param tpotLimit seconds
   */
  public SloCapacity(
      CostModel cost, Fleet fleet, double promptTokens, double outputTokens, double tpotLimit) {
    LayerRange all = LayerRange.of(0, cost.model().layerCount());
    int n = fleet.devices().size();
    prompt = new double[n];
    step = new double[n][LARGEST_BATCH];
    output = outputTokens;
    limit = tpotLimit;
    for (int i = 0; i < n; i++) {
      DeviceProfile device = fleet.devices().get(i);
      StageCost stage = cost.stage(device, all);
      prompt[i] = stage.prefillSeconds(CHUNK, promptTokens / 2, 0) * promptTokens / CHUNK;
      for (int b = 1; b <= LARGEST_BATCH; b++) {
        step[i][b - 1] = stage.decodeSeconds(b, Math.round(b * (promptTokens + outputTokens / 2)));
      }
    }
  }

  /** Requests per second. */
  public double bound() {
    double low = 0;
    double high = 1;
    for (int i = 0; i < STEPS; i++) {
      double a = low + (high - low) / 3;
      double b = high - (high - low) / 3;
      if (atShare(a) <= atShare(b)) {
        high = b;
      } else {
        low = a;
      }
    }
    return atShare((low + high) / 2);
  }

  /** The least over μ, which is convex. */
  private double atShare(double alpha) {
    double low = 0;
    double high = 100 / limit;
    for (int i = 0; i < STEPS; i++) {
      double a = low + (high - low) / 3;
      double b = high - (high - low) / 3;
      if (dual(alpha, a) <= dual(alpha, b)) {
        high = b;
      } else {
        low = a;
      }
    }
    return dual(alpha, (low + high) / 2);
  }

  private double dual(double alpha, double mu) {
    double sum = 0;
    for (int i = 0; i < prompt.length; i++) {
      double most = alpha / prompt[i];
      for (int b = 1; b <= LARGEST_BATCH; b++) {
        double seconds = step[i][b - 1];
        most = Math.max(most, (1 - alpha - mu * (seconds - limit)) * b / (output * seconds));
      }
      sum += most;
    }
    return sum;
  }
}
