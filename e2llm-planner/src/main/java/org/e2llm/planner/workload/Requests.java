package org.e2llm.planner.workload;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.e2llm.InvalidRequestException;
import org.e2llm.plan.Workload;

/**
 * A fixed list of requests with arrival times: what a simulation is fed with, the same for every
 * strategy that is compared. Immutable. Times in seconds from 0 on, in order.
 *
 * <p>Lengths and gaps are drawn from two streams of one seed: the same seed at another rate gives
 * the same requests with all gaps scaled.
 */
public final class Requests {
  /** What policies see of a request that states no output limit. */
  public static final int DEFAULT_MAX_TOKENS = Workload.DEFAULT_MAX_TOKENS;

  private final String name;
  private final double[] arrivals;
  private final int[] prompts;
  private final int[] outputs;
  private final int usualLimit;

  private Requests(String name, double[] arrivals, int[] prompts, int[] outputs, int usualLimit) {
    this.name = name;
    this.arrivals = arrivals;
    this.prompts = prompts;
    this.outputs = outputs;
    this.usualLimit = usualLimit;
  }

  /**
   * Poisson arrivals.
   *
   * @param count requests
   * @param rate mean arrivals per second
   */
  public static Requests poisson(Lengths lengths, int count, double rate, long seed) {
    return poisson(lengths, count, new double[] {rate}, seed);
  }

  /**
   * Poisson arrivals whose rate changes: as many requests come at each of the rates, one rate after
   * the other.
   *
   * @param count requests
   * @param rates mean arrivals per second, at least one
   */
  public static Requests poisson(Lengths lengths, int count, double[] rates, long seed) {
    for (double rate : rates) {
      requireRate(rate);
    }
    SplittableRandom random = new SplittableRandom(seed);
    SplittableRandom gaps = random.split();
    double[] arrivals = new double[requireCount(count)];
    double gap = 0; // times the rate, since it changed
    double changed = 0;
    double rate = rates[0];
    for (int i = 0; i < count; i++) {
      double now = rates[(int) ((long) i * rates.length / count)];
      if (now != rate) {
        changed += gap / rate;
        gap = 0;
        rate = now;
      }
      gap -= StrictMath.log(1 - gaps.nextDouble());
      arrivals[i] = changed + gap / rate;
    }
    return drawn(lengths, arrivals, random);
  }

  /** All there at time 0: what a plan does when it never lacks work. */
  public static Requests atOnce(Lengths lengths, int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    SplittableRandom unused = random.split();
    return drawn(lengths, new double[requireCount(count)], random);
  }

  private static Requests drawn(Lengths lengths, double[] arrivals, SplittableRandom random) {
    int[] prompts = new int[arrivals.length];
    int[] outputs = new int[arrivals.length];
    for (int i = 0; i < arrivals.length; i++) {
      long drawn = lengths.draw(random);
      prompts[i] = (int) (drawn >>> 32);
      outputs[i] = (int) drawn;
    }
    return new Requests(lengths.name(), arrivals, prompts, outputs, lengths.maxTokens());
  }

  /**
   * Recorded arrivals: {@code count} rows of a trace in their order, from a row that the seed
   * chooses (after the last comes the first again), all gaps scaled by one constant, so that bursts
   * stay bursts.
   *
   * @param rate mean arrivals per second, after scaling
   */
  public static Requests replay(Trace trace, int count, double rate, long seed) {
    requireRate(rate);
    double[] arrivals = new double[requireCount(count)];
    int[] prompts = new int[count];
    int[] outputs = new int[count];
    int first = new SplittableRandom(seed).nextInt(trace.size());
    double span = trace.seconds(trace.size() - 1) - trace.seconds(0);
    double meanGap = span / Math.max(1, trace.size() - 1);
    for (int i = 0; i < count; i++) {
      int row = (first + i) % trace.size();
      prompts[i] = trace.prompt(row);
      outputs[i] = trace.output(row);
      if (i > 0) {
        double gap = row == 0 ? meanGap : trace.seconds(row) - trace.seconds(row - 1);
        arrivals[i] = arrivals[i - 1] + gap;
      }
    }
    double recorded = arrivals[count - 1];
    if (count > 1 && recorded <= 0) {
      throw new InvalidRequestException(
          "trace "
              + trace.name()
              + " has all its requests at the same time: there is no gap to scale to a rate");
    }
    double scale = count > 1 ? (count - 1) / rate / recorded : 1;
    for (int i = 0; i < count; i++) {
      arrivals[i] *= scale;
    }
    return new Requests(trace.name() + "-replay", arrivals, prompts, outputs, DEFAULT_MAX_TOKENS);
  }

  private static void requireRate(double rate) {
    if (!(rate > 0) || Double.isInfinite(rate)) {
      throw new InvalidRequestException(
          "an arrival rate of " + rate + " per second, expected is a finite number above 0");
    }
  }

  private static int requireCount(int count) {
    if (count < 1) {
      throw new InvalidRequestException(count + " requests, expected is at least 1");
    }
    return count;
  }

  /** The same requests, all there at time 0. */
  public Requests atOnce() {
    return new Requests(name, new double[size()], prompts, outputs, usualLimit);
  }

  public String name() {
    return name;
  }

  public int size() {
    return arrivals.length;
  }

  /** Seconds; never falls from one request to the next. */
  public double arrival(int request) {
    return arrivals[request];
  }

  /** Tokens in. */
  public int prompt(int request) {
    return prompts[request];
  }

  /** Tokens out, which no policy may see. */
  public int output(int request) {
    return outputs[request];
  }

  /** The output limit that the request states: the usual one; whoever wants more has to say so. */
  public int maxTokens(int request) {
    int output = outputs[request];
    return output <= usualLimit ? usualLimit : Math.max(Lengths.MAX_OUTPUT, output);
  }

  /** What a planner is told of them: a sample of at most {@code sample} lengths, and the rate. */
  public Workload workload(int sample, double requestsPerSecond) {
    List<Workload.Lengths> lengths = new ArrayList<>();
    int count = Math.min(sample, size());
    for (int i = 0; i < count; i++) {
      int request = (int) ((long) i * size() / count);
      lengths.add(new Workload.Lengths(prompts[request], outputs[request]));
    }
    return new Workload(lengths, requestsPerSecond, 0, usualLimit);
  }
}
