package org.e2llm.planner.simulator;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Workload;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.cost.StageCost;
import org.e2llm.serving.BatchScheduler;
import org.e2llm.serving.KvHandoff;
import org.e2llm.serving.PromptRows;
import org.e2llm.serving.ReplicaEstimates;
import org.jspecify.annotations.Nullable;

/**
 * What routers and batch schedulers reckon with for a plan: times from its cost model, and batch
 * limits that follow from them. Not thread-safe.
 *
 * <pre>
 *   prompt   = chunks × slowest of stages and links                         (occupancy)
 *              or chunks × step / batches, where so few may be under way
 *   fill     = sum of stages and links for one chunk − the slowest of them
 *   step     = max( sum of stages and links + return , lanes × slowest )   for batches of n / lanes
 *   hand-off = latency + tokens × bytes through the busiest interface or medium / its speed
 * </pre>
 */
public final class PlanEstimates implements ReplicaEstimates {
  /** Smaller chunks let others in sooner; this much of the speed of full ones must remain. */
  private static final double CHUNK_EFFICIENCY = 0.97;

  private static final int SMALLEST_CHUNK = 16;
  private static final int SMALLEST_MIXED_CHUNK = 4;

  /** A step that takes a prompt chunk along may last so many times a step that does not. */
  private static final double MIXED_STEP = 2;

  /** Of the prompt rows beside decoding, what is left where tokens alone just come in time. */
  private static final int FEWER_ROWS = 8;

  /** From so many sessions on, the number of lanes does not change. */
  private static final int MOST_SESSIONS = 64;

  private final Deployment deployment;
  private final double expectedOutput;

  /** Tokens that a decoding session has cached, on the average. */
  private final double context;

  private final Role[] roles;
  private final int[] kvTokens;
  private final int[] rows;
  private final int[] mixedRows;

  /** By replica and sessions that decode; null until somebody asks. */
  private final BatchScheduler.@Nullable Limits[][] limits;

  private final double[][] handoffLatency;
  private final double[][] handoffPerToken;
  private final int[][][] channels;
  private final double[][][] channelPerToken;

  /**
   * Reckons what all questions need; batch limits when they are asked for.
   *
   * @param workload whose mean lengths count
   */
  public PlanEstimates(Deployment deployment, Workload workload) {
    this.deployment = deployment;
    expectedOutput = workload.meanOutput();
    context = workload.meanPrompt() + expectedOutput / 2;
    int n = deployment.replicas();
    roles = new Role[n];
    kvTokens = new int[n];
    rows = new int[n];
    mixedRows = new int[n];
    limits = new BatchScheduler.Limits[n][MOST_SESSIONS + 1];
    handoffLatency = new double[n][n];
    handoffPerToken = new double[n][n];
    channels = new int[n][n][0];
    channelPerToken = new double[n][n][0];
    for (int r = 0; r < n; r++) {
      roles[r] = deployment.plan().replicas().get(r).role();
      kvTokens[r] = deployment.kvTokens(r);
      rows[r] = chunkRows(r);
      mixedRows[r] = mixedRows(r);
      for (int d = 0; d < n; d++) {
        if (d != r) {
          reckonHandoff(r, d);
        }
      }
    }
  }

  private int chunkRows(int r) {
    int most = deployment.plan().policy().chunkTokens();
    double efficient = CHUNK_EFFICIENCY * most / slowest(r, most, context / 2, 0, 0);
    int rowsOfChunk = Math.min(SMALLEST_CHUNK, most);
    while (rowsOfChunk < most
        && rowsOfChunk / slowest(r, rowsOfChunk, context / 2, 0, 0) < efficient) {
      rowsOfChunk = Math.min(most, 2 * rowsOfChunk);
    }
    return rowsOfChunk;
  }

  private int mixedRows(int r) {
    int found = Math.min(SMALLEST_MIXED_CHUNK, rows[r]);
    int batch = 1;
    long cached = Math.round(context);
    double limit = MIXED_STEP * slowest(r, 0, 0, batch, cached);
    while (2 * found <= rows[r] && slowest(r, 2 * found, context / 2, batch, cached) <= limit) {
      found *= 2;
    }
    return found;
  }

  /**
   * While so many sessions decode. With an SLO's TPOT in view, prompts have as many rows as leave
   * these sessions their tokens in time: if every stage has a batch and one is on its way; where
   * that leaves none, with fewer batches, of those numbers the one with which prompts are done
   * soonest; where that does not either, a few. Where tokens are not in time in any case, as many
   * as without an SLO.
   */
  private BatchScheduler.Limits reckonLimits(int r, int sessions) {
    int lanes = bestLanes(r, sessions);
    double tpot = deployment.plan().policy().slo().tpotSeconds();
    if (sessions == 0
        || tpot == Double.POSITIVE_INFINITY
        || cycle(r, sessions, sessions * context, lanes) > tpot) {
      return new BatchScheduler.Limits(rows[r], mixedRows[r], lanes);
    }
    int batch = batch(sessions, lanes);
    int all = deployment.stages(r) == 1 ? 1 : deployment.stages(r) + 1;
    int unheld =
        PromptRows.inTime(
            rows[r], tpot, expectedOutput, prompt -> mixedStep(r, prompt, context / 2, batch, all));
    if (unheld > 0) {
      return new BatchScheduler.Limits(rows[r], unheld, lanes);
    }
    int few = Math.max(1, mixedRows[r] / FEWER_ROWS);
    BatchScheduler.Limits best = new BatchScheduler.Limits(rows[r], few, lanes, lanes);
    double most = 0;
    for (int n = all - 1; n >= lanes; n--) {
      int batches = n;
      IntToDoubleFunction step = prompt -> mixedStep(r, prompt, context / 2, batch, batches);
      int held = PromptRows.justInTime(rows[r], tpot, step);
      double perSecond = batches * held / step.applyAsDouble(held);
      if (perSecond > most) {
        most = perSecond;
        best = new BatchScheduler.Limits(rows[r], held, lanes, batches);
      }
    }
    return best;
  }

  /** In what time each session gets a token if all batches under way take prompt rows along. */
  private double mixedStep(int r, int prompt, double promptContext, int batch, int underWay) {
    long cached = Math.round(batch * context);
    double sum = sum(r, prompt, promptContext, batch, cached) + deployment.returnSeconds(r);
    return Math.max(sum, underWay * slowest(r, prompt, promptContext, batch, cached));
  }

  private int bestLanes(int r, int sessions) {
    int best = 1;
    double least = Double.POSITIVE_INFINITY;
    for (int m = 1; m <= Math.min(deployment.stages(r), sessions); m++) {
      double seconds = cycle(r, sessions, sessions * context, m);
      if (seconds < least * (1 - 1e-9)) {
        least = seconds;
        best = m;
      }
    }
    return best;
  }

  /** Time of the slowest stage or link for a batch. */
  private double slowest(int r, int prompt, double promptContext, int decode, long cached) {
    double most = 0;
    for (int s = 0; s < deployment.stages(r); s++) {
      StageCost stage = deployment.stage(r, s);
      most = Math.max(most, stage.seconds(prompt, promptContext, decode, cached, decode));
      most = Math.max(most, hopOccupancy(r, s, prompt + decode));
    }
    return most;
  }

  /** Sum of stages and links for a batch, with latencies. */
  private double sum(int r, int prompt, double promptContext, int decode, long cached) {
    double sum = 0;
    for (int s = 0; s < deployment.stages(r); s++) {
      sum += deployment.stage(r, s).seconds(prompt, promptContext, decode, cached, decode);
      if (s + 1 < deployment.stages(r)) {
        sum += hopOccupancy(r, s, prompt + decode) + deployment.hop(r, s).latencySeconds();
      }
    }
    return sum;
  }

  private double hopOccupancy(int r, int s, int batchRows) {
    return s + 1 == deployment.stages(r)
        ? 0
        : deployment.hiddenBytes(batchRows) / deployment.hop(r, s).bytesPerSecond();
  }

  private double cycle(int r, int sessions, double cachedTokens, int m) {
    int batch = batch(sessions, m);
    long cached = Math.round(cachedTokens / m);
    double sum = sum(r, 0, 0, batch, cached) + deployment.returnSeconds(r);
    return m == 1 ? sum : Math.max(sum, m * slowest(r, 0, 0, batch, cached));
  }

  /**
   * Every interface sends for all its pairs one after the other; so does a medium, for all pairs.
   */
  private void reckonHandoff(int p, int d) {
    List<KvHandoff.Pair> pairs = deployment.pairs(p, d);
    CostModel cost = deployment.cost();
    Interfaces interfaces = deployment.interfaces();
    double[] busy = new double[interfaces.count()];
    for (KvHandoff.Pair pair : pairs) {
      int from = deployment.device(p, pair.fromStage());
      int to = deployment.device(d, pair.toStage());
      LinkProfile link = deployment.network().link(from, to);
      if (!link.connected()) {
        handoffPerToken[p][d] = Double.POSITIVE_INFINITY;
        return;
      }
      double bytes = cost.handoffBytes(pair.layers().size(), 1);
      handoffLatency[p][d] = Math.max(handoffLatency[p][d], link.latencySeconds());
      handoffPerToken[p][d] = Math.max(handoffPerToken[p][d], bytes / link.bytesPerSecond());
      for (int i : interfaces.between(from, to)) {
        busy[i] += bytes / interfaces.bytesPerSecond(i, link);
      }
    }
    int[] used = new int[busy.length];
    double[] perToken = new double[busy.length];
    int count = 0;
    for (int i = 0; i < busy.length; i++) {
      if (busy[i] > 0) {
        used[count] = i;
        perToken[count++] = busy[i];
        handoffPerToken[p][d] = Math.max(handoffPerToken[p][d], busy[i]);
      }
    }
    channels[p][d] = Arrays.copyOf(used, count);
    channelPerToken[p][d] = Arrays.copyOf(perToken, count);
  }

  /** Batch limits of a replica on which so many sessions decode. */
  public BatchScheduler.Limits limits(int replica, int decoding) {
    int sessions = Math.min(decoding, MOST_SESSIONS);
    BatchScheduler.Limits known = limits[replica][sessions];
    if (known == null) {
      known = reckonLimits(replica, sessions);
      limits[replica][sessions] = known;
    }
    return known;
  }

  /** Into how many batches decoding sessions are best spread. */
  public int lanes(int replica, int decoding) {
    return limits(replica, decoding).lanes();
  }

  @Override
  public int size() {
    return rows.length;
  }

  @Override
  public Role role(int replica) {
    return roles[replica];
  }

  @Override
  public int kvTokens(int replica) {
    return kvTokens[replica];
  }

  @Override
  public double expectedOutput() {
    return expectedOutput;
  }

  @Override
  public double prefillSeconds(int replica, int promptTokens, int decoding) {
    int chunk = decoding > 0 ? limits(replica, decoding).mixedRows() : rows[replica];
    int whole = promptTokens / chunk;
    int rest = promptTokens % chunk;
    double seconds = 0;
    if (whole > 0) {
      seconds += whole * chunkSeconds(replica, chunk, promptTokens / 2.0, decoding);
    }
    if (rest > 0) {
      seconds += chunkSeconds(replica, rest, promptTokens / 2.0, decoding);
    }
    return seconds;
  }

  /** From one chunk to the next. */
  private double chunkSeconds(int r, int chunk, double promptContext, int decoding) {
    if (decoding == 0) {
      return slowest(r, chunk, promptContext, 0, 0);
    }
    int batch = batch(decoding, lanes(r, decoding));
    int batches = limits(r, decoding).batches();
    return batches > deployment.stages(r)
        ? slowest(r, chunk, promptContext, batch, Math.round(batch * context))
        : mixedStep(r, chunk, promptContext, batch, batches) / batches;
  }

  private static int batch(int decoding, int lanes) {
    return (decoding + lanes - 1) / lanes;
  }

  @Override
  public double fillSeconds(int replica, int promptTokens) {
    if (deployment.stages(replica) == 1) {
      return 0;
    }
    int chunk = Math.min(rows[replica], promptTokens);
    return sum(replica, chunk, promptTokens / 2.0, 0, 0)
        + deployment.returnSeconds(replica)
        - slowest(replica, chunk, promptTokens / 2.0, 0, 0);
  }

  @Override
  public double stallSeconds(int replica, int promptTokens, int decoding) {
    int chunk = limits(replica, decoding).mixedRows();
    int batch = batch(decoding, lanes(replica, decoding));
    long cached = Math.round(batch * context);
    double with = slowest(replica, chunk, promptTokens / 2.0, batch, cached);
    double without = slowest(replica, 0, 0, batch, cached);
    return Math.max(0, with - without) * promptTokens / chunk;
  }

  @Override
  public double stepSeconds(int replica, int decoding, double cachedTokens) {
    return cycle(replica, decoding, cachedTokens, lanes(replica, decoding));
  }

  @Override
  public double handoffSeconds(int from, int to, int promptTokens) {
    return handoffLatency[from][to] + promptTokens * handoffPerToken[from][to];
  }

  @Override
  public int channels() {
    return deployment.interfaces().count();
  }

  @Override
  public int[] channels(int from, int to) {
    return channels[from][to];
  }

  @Override
  public double channelSeconds(int from, int to, int index, int promptTokens) {
    return promptTokens * channelPerToken[from][to][index];
  }
}
