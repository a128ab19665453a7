package org.e2llm.planner.simulator;

import java.util.Arrays;
import org.e2llm.plan.Slo;
import org.e2llm.planner.workload.Requests;

/**
 * What came of a simulation. Metrics are over the requests that were answered and are not part of
 * the warm-up; what was refused or never answered is counted apart, and missed its SLO.
 */
public final class SimulationResult {
  private final RequestLog log;
  private final Work work;
  private final Traffic traffic;
  private final int first;
  private final int refused;

  SimulationResult(RequestLog log, Work work, Traffic traffic, double warmUp, int refused) {
    this.log = log;
    this.work = work;
    this.traffic = traffic;
    this.first = (int) (warmUp * log.requests.size());
    this.refused = refused;
  }

  public Requests requests() {
    return log.requests;
  }

  /** Requests that got all their tokens. */
  public int answered() {
    return log.requests.size() - refused - unanswered();
  }

  /** Requests too large for every replica of the plan. */
  public int refused() {
    return refused;
  }

  /** Requests that waited to the end for a replica that never came back. */
  public int unanswered() {
    return log.open();
  }

  /** How often a fault threw a request back that had begun. */
  public int timesLost() {
    return work.timesLost();
  }

  /** How often the KV cache of a prompt came to another replica, which then gave all its tokens. */
  public int timesHandedOff() {
    return work.timesHandedOff();
  }

  /** Whether a request got all its tokens. */
  public boolean answered(int request) {
    return log.phases[request] == RequestLog.Phase.DONE;
  }

  /** A metric of one answered request, in seconds. */
  public double seconds(Metric metric, int request) {
    return switch (metric) {
      case QUEUE -> log.queue[request];
      case HANDOFF -> log.handoff[request];
      case ADMISSION -> log.admission[request];
      case WAIT -> log.queue[request] + log.handoff[request] + log.admission[request];
      case TTFT -> log.ttft(request);
      case TPOT -> log.tpot(request);
      case E2E -> log.endToEnd(request);
    };
  }

  /** A metric over all requests that count, in seconds. */
  public Distribution distribution(Metric metric) {
    double[] values = new double[log.requests.size()];
    int count = 0;
    for (int i = first; i < values.length; i++) {
      if (answered(i) && (metric != Metric.TPOT || log.requests.output(i) > 1)) {
        values[count++] = seconds(metric, i);
      }
    }
    return Distribution.of(values, count);
  }

  /** The first request that counts: those before it are the warm-up. */
  public int firstCounted() {
    return first;
  }

  /** Share of the requests that count that were answered inside the SLO. */
  public double goodput(Slo slo) {
    int good = 0;
    for (int i = first; i < log.requests.size(); i++) {
      boolean met = answered(i) && slo.met(log.ttft(i), log.tpot(i), log.requests.output(i));
      good += met ? 1 : 0;
    }
    return (double) good / (log.requests.size() - first);
  }

  /**
   * Answers per second while there was most to do: between the end of the first tenth and the end
   * of the ninth tenth of them. With all requests there at time 0 it is the saturated throughput.
   */
  public double throughput() {
    double[] ends = new double[answered()];
    int count = 0;
    for (int i = 0; i < log.requests.size(); i++) {
      if (answered(i)) {
        ends[count++] = log.end[i];
      }
    }
    if (count == 0) {
      return 0;
    }
    Arrays.sort(ends);
    int from = count / 10;
    int to = count - 1 - count / 10;
    double seconds = ends[to] - ends[from];
    return to > from && seconds > 0 ? (to - from) / seconds : count / ends[count - 1];
  }

  /** When the last answer ended, in seconds. */
  public double lastEnd() {
    double last = 0;
    for (int i = 0; i < log.requests.size(); i++) {
      last = answered(i) ? Math.max(last, log.end[i]) : last;
    }
    return last;
  }

  /** Tokens that the app got for a request. */
  public int produced(int request) {
    return log.produced[request];
  }

  /** Prompt tokens that were computed, those computed again after a fault too. */
  public long promptTokens() {
    return work.promptTokens();
  }

  /** Tokens that decode steps gave. */
  public long decodedTokens() {
    return work.decodedTokens();
  }

  /** Seconds for which a stage computed. */
  public double stageSeconds(int replica, int stage) {
    return work.stageSeconds(replica, stage);
  }

  /** The most tokens that those on a replica had been given at a time. */
  public long peakTokens(int replica) {
    return work.peakTokens(replica);
  }

  /** Seconds for which the busiest interface or shared medium was in use. */
  public double busiestInterfaceSeconds() {
    return traffic.mostBusySeconds();
  }
}
