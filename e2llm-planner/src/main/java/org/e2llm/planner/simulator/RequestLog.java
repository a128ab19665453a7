package org.e2llm.planner.simulator;

import java.util.Arrays;
import org.e2llm.planner.workload.Requests;

/**
 * Where every request is, and how long it was in each kind of waiting. Times in seconds since the
 * start of the simulation.
 *
 * <p>A request that a fault throws back goes through the phases again: what it waits then is added.
 */
final class RequestLog {
  /** In the order of a life without faults. */
  enum Phase {
    COMING,
    QUEUED,
    PREFILLING,
    MOVING,
    READY,
    DECODING,
    DONE,
    REFUSED
  }

  final Requests requests;
  final Phase[] phases;
  final double[] queue;
  final double[] handoff;
  final double[] admission;
  final double[] firstToken;
  final double[] end;

  /** Tokens that the app has. */
  final int[] produced;

  private final double[] since;
  private int changes;

  RequestLog(Requests requests) {
    this.requests = requests;
    int n = requests.size();
    phases = new Phase[n];
    Arrays.fill(phases, Phase.COMING);
    queue = new double[n];
    handoff = new double[n];
    admission = new double[n];
    firstToken = new double[n];
    Arrays.fill(firstToken, Double.NaN);
    end = new double[n];
    Arrays.fill(end, Double.NaN);
    produced = new int[n];
    since = new double[n];
  }

  /** How many came, and were answered. */
  int changes() {
    return changes;
  }

  void arrived(int request) {
    changes++;
    phases[request] = Phase.QUEUED;
    since[request] = requests.arrival(request);
  }

  void refused(int request) {
    phases[request] = Phase.REFUSED;
  }

  /**
   * Its prompt is in a step. It counts as served if it gets half of what it would get if all
   * prompts there shared the step's prompt rows, or all it still needs: a tiny first chunk does not
   * end the queueing.
   */
  void prefilling(int request, int rows, boolean ends, int promptRows, int prompts, double now) {
    if (phases[request] == Phase.QUEUED && (ends || 2L * rows * prompts >= promptRows)) {
      queue[request] += now - since[request];
      phases[request] = Phase.PREFILLING;
    }
  }

  /** All of its prompt is computed. */
  void prefilled(int request, double now) {
    phases[request] = Phase.MOVING;
    since[request] = now;
  }

  /** Its KV cache is where it decodes. */
  void ready(int request, double now) {
    handoff[request] += now - since[request];
    phases[request] = Phase.READY;
    since[request] = now;
  }

  /** It is in a decode step. */
  void decoding(int request, double now) {
    if (phases[request] == Phase.READY) {
      admission[request] += now - since[request];
      phases[request] = Phase.DECODING;
    }
  }

  /**
   * It got tokens; the first one of an answer comes alone.
   *
   * @return whether that was its last
   */
  boolean sampled(int request, int tokens, double now) {
    if (produced[request] == 0) {
      firstToken[request] = now;
    }
    produced[request] += tokens;
    return produced[request] == requests.output(request);
  }

  /** For how many steps nothing is to be noted of it: until its first token, and its last. */
  int stepsAlike(int request) {
    return produced[request] == 0 ? 1 : requests.output(request) - produced[request];
  }

  void done(int request, double now) {
    changes++;
    phases[request] = Phase.DONE;
    end[request] = now;
  }

  /** A fault took its KV cache: it waits again. */
  void lost(int request, double now) {
    double waited = now - since[request];
    switch (phases[request]) {
      case QUEUED -> queue[request] += waited;
      case MOVING -> handoff[request] += waited;
      case READY -> admission[request] += waited;
      default -> {} // it was served
    }
    phases[request] = Phase.QUEUED;
    since[request] = now;
  }

  /** Requests that came, and are neither answered nor refused. */
  int open() {
    int open = 0;
    for (Phase phase : phases) {
      open += phase == Phase.DONE || phase == Phase.REFUSED || phase == Phase.COMING ? 0 : 1;
    }
    return open;
  }

  double ttft(int request) {
    return firstToken[request] - requests.arrival(request);
  }

  double endToEnd(int request) {
    return end[request] - requests.arrival(request);
  }

  /** Per token after the first; 0 for an answer of one token. */
  double tpot(int request) {
    int more = requests.output(request) - 1;
    return more == 0 ? 0 : (end[request] - firstToken[request]) / more;
  }
}
