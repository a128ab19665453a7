package org.e2llm.planner.simulator;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Slo;
import org.e2llm.planner.cost.StepFloor;

/**
 * What a request takes at least on one replica, whatever it shares it with: how long until its
 * first token and between the others if it is alone, and how many seconds of the replica's time and
 * memory it costs ({@link Charge}).
 *
 * <p>Time. Take any stage and any line below its steps ({@link StepFloor}), mixed of the stage's
 * floors with weights of sum 1. Let G be requests that are served within the SLO in some interval.
 * Steps of the stage do not overlap, so those with tokens of G take less than the interval. And as
 * every token of a request in G after its first takes TPOT at most, on the mean over the request,
 * for all of them together sum (T + hops − TPOT) &lt;= 0, where T is what the step takes on all
 * stages. So for every μ &gt;= 0
 *
 * <pre>
 *   interval &gt;= sum over steps of ( stage + μ · sum over decoding requests of (T + hops − TPOT) )
 * </pre>
 *
 * Put the lines in. With b decoding requests in a step, each is charged what is its own, 1 / b of
 * what is fixed, and μ·b times its part of T. The b that makes this least is below every real one:
 *
 * <pre>
 *   token(K) = own(K) + μ·(Tfixed + hops − TPOT) + min over b of ( fixed / b + μ·b·Town(K) )
 * </pre>
 *
 * In place of fixed / b a request can be charged its share of the memory, fixed · M / (tokens that
 * the replica can cache), where M of its tokens are cached: no more than these are in a step.
 *
 * <p>Memory. What is cached of a request stays there until it ends, and that takes as long as its
 * tokens take at least: it has its share of the memory for the time of its prompt alone, and of one
 * token after the other.
 */
final class ReplicaFloor {
  private static final double[] WEIGHTS = {0, 0.25, 0.5, 0.75, 1};
  private static final double[] MULTIPLIERS = {0, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5};

  private final List<List<StepFloor>> stages = new ArrayList<>();
  private final double tokens;

  /** Seconds of links, for one row, once along the chain and back. */
  private final double hops;

  ReplicaFloor(Deployment deployment, int replica) {
    tokens = deployment.kvTokens(replica);
    double seconds = deployment.returnSeconds(replica);
    for (int s = 0; s < deployment.stages(replica); s++) {
      stages.add(deployment.stage(replica, s).floors());
      if (s + 1 < deployment.stages(replica)) {
        LinkProfile hop = deployment.hop(replica, s);
        seconds += hop.latencySeconds();
        seconds += deployment.cost().hiddenBytes(1) / hop.bytesPerSecond();
      }
    }
    hops = seconds;
  }

  boolean holds(int cached) {
    return cached <= tokens;
  }

  /**
   * Until the first token, alone: all of the prompt on one stage, on those before it a token at
   * least, on those behind it the last one.
   */
  double ttft(double prompt) {
    double most = 0;
    for (int slowest = 0; slowest < stages.size(); slowest++) {
      double sum = hops;
      for (int s = 0; s < stages.size(); s++) {
        double least = 0;
        for (StepFloor floor : stages.get(s)) {
          double last = floor.fixedWithHead() + floor.logitRow();
          double seconds =
              s < slowest
                  ? floor.fixed() + floor.prompt(1, 1)
                  : last + (s > slowest ? floor.prompt(1, prompt) : whole(floor, prompt));
          least = Math.max(least, seconds);
        }
        sum += least;
      }
      most = Math.max(most, sum);
    }
    return most;
  }

  private static double whole(StepFloor floor, double prompt) {
    return floor.prompt(prompt, prompt * (prompt + 1) / 2);
  }

  /** Between tokens, alone, with so many cached. */
  double tpot(double cached) {
    double sum = hops;
    for (List<StepFloor> stage : stages) {
      double least = 0;
      for (StepFloor floor : stage) {
        least = Math.max(least, floor.fixedWithHead() + floor.token(cached));
      }
      sum += least;
    }
    return sum;
  }

  /** Ways to reckon what requests of at least this prompt cost; each is a valid one. */
  List<Charge> charges(Slo slo, double leastPrompt) {
    List<Charge> charges = new ArrayList<>();
    charges.add(new Memory());
    for (Charge way : ways(slo)) {
      if (way.answer(leastPrompt, 2) >= 0) { // nothing is cheaper than nothing
        charges.add(way);
      }
    }
    return charges;
  }

  /** Share of the memory, for a time. */
  private final class Memory implements Charge {
    @Override
    public double prompt(double tokensIn) {
      return tokensIn / tokens * ttft(tokensIn);
    }

    /** Convex in what is cached, as a product of rising lines: at the mean it is below the mean. */
    @Override
    public double answer(double tokensIn, double tokensOut) {
      double cached = meanCached(tokensIn, tokensOut);
      return cached / tokens * (tokensOut - 1) * tpot(cached);
    }
  }

  /** Of all tokens after the first: half an answer more than the prompt. */
  private static double meanCached(double tokensIn, double tokensOut) {
    return tokensIn + tokensOut / 2 - 0.5;
  }

  /**
   * Time of a stage.
   *
   * @param stage line of the stage whose time is counted
   * @param all line of all stages together
   * @param multiplier μ
   * @param byMemory whether what is fixed is shared by memory
   */
  private record Time(
      StepFloor stage,
      StepFloor all,
      double multiplier,
      boolean byMemory,
      double tokens,
      double hops,
      double tpot)
      implements Charge {
    @Override
    public double prompt(double tokensIn) {
      return whole(stage, tokensIn) + stage.logitRow();
    }

    @Override
    public double answer(double tokensIn, double tokensOut) {
      double mean = meanCached(tokensIn, tokensOut);
      return (tokensOut - 1) * (stage.token(mean) + shared(tokensIn, mean));
    }

    /**
     * @param least cached during all of the answer
     * @param mean cached
     */
    private double shared(double least, double mean) {
      double fixed = stage.fixedWithHead();
      double byShare = byMemory ? fixed * mean / tokens : 0;
      if (multiplier == 0) {
        return byShare;
      }
      double perBatch = byMemory ? 0 : fixed;
      double stretch = multiplier * all.token(least);
      double batch = stretch > 0 ? Math.max(1, Math.sqrt(perBatch / stretch)) : Double.MAX_VALUE;
      return byShare
          + multiplier * (all.fixedWithHead() + hops - tpot)
          + perBatch / batch
          + stretch * batch;
    }
  }

  private List<Charge> ways(Slo slo) {
    List<Charge> ways = new ArrayList<>();
    double tpot = slo.tpotSeconds();
    double[] multipliers = Double.isInfinite(tpot) ? new double[] {0} : MULTIPLIERS;
    for (List<StepFloor> stage : stages) {
      for (double weight : WEIGHTS) {
        StepFloor line = mixed(stage, weight);
        for (double sumWeight : new double[] {0, 1}) {
          StepFloor all = StepFloor.ZERO;
          for (List<StepFloor> each : stages) {
            all = all.plus(1, mixed(each, sumWeight));
          }
          for (double multiplier : multipliers) {
            double mu = multiplier == 0 ? 0 : multiplier * line.fixedWithHead() / tpot;
            ways.add(new Time(line, all, mu, false, tokens, hops, tpot));
            ways.add(new Time(line, all, mu, true, tokens, hops, tpot));
          }
        }
      }
    }
    return ways;
  }

  private static StepFloor mixed(List<StepFloor> floors, double weight) {
    StepFloor last = floors.get(floors.size() - 1);
    return StepFloor.ZERO.plus(1 - weight, floors.get(0)).plus(weight, last);
  }
}
