package org.e2llm.planner.cost;

import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.LayerRange;

/**
 * Step times of one device, interpolated between those that were measured.
 *
 * <pre>
 *   seconds = t0 + l·curve(rows) + l·(c·n·attention + K·cache) + (r &gt; 0 ? head + r·row : 0)
 * </pre>
 *
 * where l counts layers by their weight bytes and {@code curve} is linear between the row counts
 * that were measured (and goes on as it ends). One curve serves prompts and decode: both are rows
 * of the same products, and what is slower with few rows shows in its shape.
 *
 * <p>All coefficients are at least 0, so that a step never gets faster by more work. They are those
 * of the least squares of the relative error.
 */
public final class StepFit {
  private static final int FIXED = 0;
  private static final int ATTENTION = 1;
  private static final int CACHE = 2;
  private static final int HEAD = 3;
  private static final int LOGIT_ROW = 4;

  /** Then comes what a layer takes with the fewest rows, then the slope after every row count. */
  private static final int CURVE = 5;

  /** Row counts are much alike to the solver, so that it closes in slowly; some ms in all. */
  private static final int ROUNDS = 10_000;

  private final PlannedModel model;
  private final int[] knots;
  private final double[] coefficients;

  private StepFit(PlannedModel model, int[] knots, double[] coefficients) {
    this.model = model;
    this.knots = knots;
    this.coefficients = coefficients;
  }

  /**
   * Fits what was measured on one device.
   *
   * @param samples best with several row counts, contexts and layer counts, and with and without
   *     head: what was never varied cannot be told apart
   * @throws InvalidRequestException if there is none
   */
  public static StepFit of(PlannedModel model, List<StepSample> samples) {
    if (samples.isEmpty()) {
      throw new InvalidRequestException(
          "no step was measured: at least one is needed, better a dozen of different sizes");
    }
    TreeSet<Integer> rows = new TreeSet<>();
    for (StepSample sample : samples) {
      if (sample.layers().to() > model.layerCount()) {
        throw new InvalidRequestException(
            "a step of layers "
                + sample.layers()
                + " was measured, but "
                + model.spec().name()
                + " has "
                + model.layerCount());
      }
      rows.add(sample.rows());
    }
    int[] knots = new int[rows.size()];
    int next = 0;
    for (int row : rows) {
      knots[next++] = row;
    }
    StepFit fit = new StepFit(model, knots, new double[CURVE + knots.length]);
    fit.solve(samples);
    return fit;
  }

  /** Non-negative least squares by coordinate descent on the normal equations. */
  private void solve(List<StepSample> samples) {
    int n = coefficients.length;
    double[] scale = new double[n];
    double[][] features = new double[samples.size()][];
    for (int s = 0; s < features.length; s++) {
      features[s] = features(samples.get(s));
      for (int i = 0; i < n; i++) {
        features[s][i] /= samples.get(s).seconds();
        scale[i] = Math.max(scale[i], features[s][i]);
      }
    }
    double[][] gram = new double[n][n];
    double[] target = new double[n];
    for (double[] feature : features) {
      for (int i = 0; i < n; i++) {
        double value = scale[i] > 0 ? feature[i] / scale[i] : 0;
        target[i] += value;
        for (int j = 0; j < n; j++) {
          gram[i][j] += scale[j] > 0 ? value * feature[j] / scale[j] : 0;
        }
      }
    }
    double[] solution = new double[n];
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = 0; i < n; i++) {
        if (gram[i][i] > 0) {
          double rest = target[i];
          for (int j = 0; j < n; j++) {
            rest -= j == i ? 0 : gram[i][j] * solution[j];
          }
          solution[i] = Math.max(0, rest / gram[i][i]);
        }
      }
    }
    for (int i = 0; i < n; i++) {
      coefficients[i] = scale[i] > 0 ? solution[i] / scale[i] : 0;
    }
  }

  private double[] features(StepSample sample) {
    double[] x = new double[coefficients.length];
    LayerRange layers = sample.layers();
    boolean head = layers.to() == model.layerCount() && sample.logitRows() > 0;
    x[FIXED] = 1;
    x[ATTENTION] = layers.size() * sample.promptTokens() * sample.promptContext();
    x[CACHE] = (double) layers.size() * sample.cachedTokens();
    x[HEAD] = head ? 1 : 0;
    x[LOGIT_ROW] = head ? sample.logitRows() : 0;
    double weight = weight(layers);
    x[CURVE] = weight;
    for (int k = 0; k + 1 < knots.length; k++) {
      x[CURVE + 1 + k] = weight * ramp(k, sample.rows());
    }
    return x;
  }

  /** Layers by weight: 1 is the mean layer. */
  private double weight(LayerRange layers) {
    double mean = (double) model.layerBytes(0, model.layerCount()) / model.layerCount();
    return model.layerBytes(layers.from(), layers.to()) / mean;
  }

  /** How far {@code rows} goes into the part between two knots; the last part has no end. */
  private double ramp(int k, int rows) {
    double end = k + 2 < knots.length ? Math.min(rows, knots[k + 1]) : rows;
    return Math.max(0, end - knots[k]);
  }

  /** Step times of a range on this device. */
  StageCost stage(LayerRange layers) {
    return new Interpolated(layers);
  }

  private final class Interpolated implements StageCost {
    private final double fixed;
    private final double attention;
    private final double cache;
    private final double head;
    private final double logitRow;

    /** Seconds at each knot; behind the last it goes on with {@code slope}. */
    private final double[] curve;

    private final double slope;

    Interpolated(LayerRange layers) {
      boolean last = layers.to() == model.layerCount();
      double weight = weight(layers);
      fixed = coefficients[FIXED];
      attention = layers.size() * coefficients[ATTENTION];
      cache = layers.size() * coefficients[CACHE];
      head = last ? coefficients[HEAD] : 0;
      logitRow = last ? coefficients[LOGIT_ROW] : 0;
      curve = new double[knots.length];
      for (int i = 0; i < knots.length; i++) {
        curve[i] = weight * coefficients[CURVE];
        for (int k = 0; k + 1 < knots.length; k++) {
          curve[i] += weight * coefficients[CURVE + 1 + k] * ramp(k, knots[i]);
        }
      }
      slope = knots.length > 1 ? weight * coefficients[CURVE + knots.length - 1] : 0;
    }

    @Override
    public double seconds(
        int promptTokens, double promptContext, int decodeRows, long cachedTokens, int logitRows) {
      return fixed
          + curve(promptTokens + decodeRows)
          + promptTokens * promptContext * attention
          + cachedTokens * cache
          + (logitRows > 0 ? head + logitRows * logitRow : 0);
    }

    /** A line through the origin under the curve, or as much as the fewest rows take. */
    @Override
    public List<StepFloor> floors() {
      double perRow = knots.length > 1 ? slope : 0;
      for (int k = 0; k < knots.length; k++) {
        perRow = Math.min(perRow, curve[k] / knots[k]);
      }
      return List.of(
          new StepFloor(fixed, perRow, attention, perRow, cache, head, logitRow),
          new StepFloor(fixed + curve[0], 0, attention, 0, cache, head, logitRow));
    }

    private double curve(int rows) {
      int at = Arrays.binarySearch(knots, rows);
      if (at >= 0) {
        return curve[at];
      }
      int above = -at - 1;
      if (above == 0) {
        return curve[0];
      }
      if (above == knots.length) {
        return curve[above - 1] + (rows - knots[above - 1]) * slope;
      }
      double part = (double) (rows - knots[above - 1]) / (knots[above] - knots[above - 1]);
      return curve[above - 1] + part * (curve[above] - curve[above - 1]);
    }
  }
}
