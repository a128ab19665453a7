package org.e2llm.transport;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Network;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;
import org.e2llm.serving.KvHandoff;
import org.e2llm.serving.ReplicaEstimates;

/**
 * What a router may reckon with of a plan of which only the expectations are known: from its time
 * to first token and per output token, and from measured links.
 *
 * <pre>
 *   prompt    = tokens × time to first token / prompt that it is for
 *   step      = time per output token × (1 + sessions) / 2: half of it reads weights
 *   hand-off  = latency + tokens × bytes through the busiest device / rate
 * </pre>
 */
final class PlannedEstimates implements ReplicaEstimates {
  private final Plan plan;
  private final int meanPrompt;
  private final int meanOutput;
  private final double[][] latency;
  private final double[][] perToken;
  private final int[][] channels;

  /**
   * Reckons once.
   *
   * @param plan with expectations
   * @param network of its devices
   * @param meanPrompt tokens of the prompt that expectations are for
   * @param meanOutput tokens of the answer
   */
  PlannedEstimates(Plan plan, ModelSpec model, Network network, int meanPrompt, int meanOutput) {
    this.plan = plan;
    this.meanPrompt = meanPrompt;
    this.meanOutput = meanOutput;
    int n = plan.replicas().size();
    latency = new double[n][n];
    perToken = new double[n][n];
    channels = new int[n][];
    for (int p = 0; p < n; p++) {
      channels[p] = new int[] {p};
      for (int d = 0; d < n; d++) {
        if (p != d) {
          handoff(model, network, p, d);
        }
      }
    }
  }

  private void handoff(ModelSpec model, Network network, int p, int d) {
    List<StagePlan> from = plan.replicas().get(p).stages();
    List<StagePlan> to = plan.replicas().get(d).stages();
    Map<String, Double> busy = new HashMap<>();
    for (KvHandoff.Pair pair : KvHandoff.pairs(StagePlan.layers(from), StagePlan.layers(to))) {
      String sender = from.get(pair.fromStage()).device();
      String taker = to.get(pair.toStage()).device();
      LinkProfile link = network.link(network.number(sender), network.number(taker));
      if (!link.connected()) {
        perToken[p][d] = Double.POSITIVE_INFINITY;
        return;
      }
      long bytes = model.kvBytesPerToken(plan.wire().kv(), pair.layers());
      double seconds = bytes / link.bytesPerSecond();
      busy.merge(sender, seconds, Double::sum);
      busy.merge(taker, seconds, Double::sum);
      latency[p][d] = Math.max(latency[p][d], link.latencySeconds());
    }
    for (double seconds : busy.values()) {
      perToken[p][d] = Math.max(perToken[p][d], seconds);
    }
  }

  private ReplicaPlan.Expected expected(int replica) {
    return plan.replicas().get(replica).expected();
  }

  @Override
  public int size() {
    return plan.replicas().size();
  }

  @Override
  public Role role(int replica) {
    return plan.replicas().get(replica).role();
  }

  @Override
  public int kvTokens(int replica) {
    return (int) Math.min(Integer.MAX_VALUE, plan.replicas().get(replica).kvTokens());
  }

  @Override
  public double expectedOutput() {
    return meanOutput;
  }

  @Override
  public double prefillSeconds(int replica, int promptTokens, int decoding) {
    return expected(replica).ttftSeconds() * promptTokens / meanPrompt;
  }

  /** In the time to the first token. */
  @Override
  public double fillSeconds(int replica, int promptTokens) {
    return 0;
  }

  @Override
  public double stallSeconds(int replica, int promptTokens, int decoding) {
    return prefillSeconds(replica, promptTokens, decoding);
  }

  @Override
  public double stepSeconds(int replica, int decoding, double cachedTokens) {
    return expected(replica).tpotSeconds() * (1 + decoding) / 2;
  }

  @Override
  public double handoffSeconds(int from, int to, int promptTokens) {
    double seconds = perToken[from][to];
    return seconds == Double.POSITIVE_INFINITY
        ? seconds
        : latency[from][to] + promptTokens * seconds;
  }

  /** What a replica sends goes one after the other. */
  @Override
  public int channels() {
    return size();
  }

  @Override
  public int[] channels(int from, int to) {
    return channels[from];
  }

  @Override
  public double channelSeconds(int from, int to, int index, int promptTokens) {
    return handoffSeconds(from, to, promptTokens);
  }
}
