package org.e2llm.planner.cost;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.e2llm.InvalidRequestException;

/**
 * How well step times are predicted: collects predicted and measured ones per device and kind of
 * step, in memory that does not grow with their number. A live system feeds it after every step,
 * and measures a device anew when its bias leaves what it accepts.
 *
 * <p>Not thread-safe.
 */
public final class Residuals {
  /** Kinds of steps, since they are bound by different things. */
  public enum Step {
    PREFILL,
    DECODE,
    /** Prompt chunks and decoding sequences together. */
    MIXED;

    /** The kind of a step with so much in it. */
    public static Step of(int promptTokens, int decodeRows) {
      return decodeRows == 0 ? PREFILL : promptTokens == 0 ? DECODE : MIXED;
    }
  }

  /**
   * What is known of one device and kind of step. Errors are relative to the prediction.
   *
   * @param count steps
   * @param bias measured over predicted time, summed: 1.1 if steps take a tenth longer than
   *     predicted
   * @param p50 median of |measured / predicted - 1|
   * @param p90 of the same
   * @param worst the largest of the same
   */
  public record Report(
      String device, Step step, long count, double bias, double p50, double p90, double worst) {}

  /** Absolute errors in steps of a hundredth; the last takes all above. */
  private static final int BUCKETS = 500;

  private static final class Series {
    final long[] buckets = new long[BUCKETS];
    long count;
    double predicted;
    double measured;
    double worst;

    void add(double predictedSeconds, double measuredSeconds) {
      double error = Math.abs(measuredSeconds / predictedSeconds - 1);
      buckets[(int) Math.min(BUCKETS - 1, error * 100)]++;
      count++;
      predicted += predictedSeconds;
      measured += measuredSeconds;
      worst = Math.max(worst, error);
    }

    /** Within the bucket, by its middle; never above the worst. */
    double quantile(double share) {
      long rank = (long) Math.ceil(share * count);
      long seen = 0;
      for (int i = 0; i < BUCKETS - 1; i++) {
        seen += buckets[i];
        if (seen >= rank) {
          return Math.min(worst, (i + 0.5) / 100);
        }
      }
      return worst;
    }
  }

  private final Map<String, Map<Step, Series>> series = new TreeMap<>();

  /**
   * Adds one step.
   *
   * @param device its id
   * @param predicted seconds, above 0
   * @param measured seconds, above 0
   */
  public void add(String device, Step step, double predicted, double measured) {
    if (!(predicted > 0)
        || !(measured > 0)
        || Double.isInfinite(predicted)
        || Double.isInfinite(measured)) {
      throw new InvalidRequestException(
          "device "
              + device
              + ": a step was predicted to take "
              + predicted
              + " s and took "
              + measured
              + " s, expected are numbers above 0");
    }
    series
        .computeIfAbsent(device, d -> new TreeMap<>())
        .computeIfAbsent(step, s -> new Series())
        .add(predicted, measured);
  }

  /** Everything known, by device and kind of step. */
  public List<Report> reports() {
    List<Report> reports = new ArrayList<>();
    series.forEach(
        (device, bySteps) ->
            bySteps.forEach(
                (step, s) ->
                    reports.add(
                        new Report(
                            device,
                            step,
                            s.count,
                            s.measured / s.predicted,
                            s.quantile(0.5),
                            s.quantile(0.9),
                            s.worst))));
    return reports;
  }
}
