package org.e2llm.plan;

import java.util.List;
import org.e2llm.InvalidRequestException;

/**
 * What is asked of a cluster: lengths, and how much of it at a time.
 *
 * @param lengths a sample of requests that stands for all; at least one
 * @param requestsPerSecond mean arrival rate; 0 if only the concurrency is known
 * @param concurrency requests expected to run at the same time; 0 if only the rate is known
 * @param maxTokens the output limit that requests state: all that a policy may know of a request's
 *     output
 */
public record Workload(
    List<Lengths> lengths, double requestsPerSecond, int concurrency, int maxTokens) {
  /** What policies assume of a request that states no limit. */
  public static final int DEFAULT_MAX_TOKENS = 1024;

  /**
   * One request.
   *
   * @param prompt tokens in, at least 1
   * @param output tokens out, at least 1
   */
  public record Lengths(int prompt, int output) {
    public Lengths {
      if (prompt < 1 || output < 1) {
        throw new InvalidRequestException(
            "request of " + prompt + " tokens in and " + output + " out: both are at least 1");
      }
    }
  }

  public Workload {
    lengths = List.copyOf(lengths);
    if (lengths.isEmpty()) {
      throw new InvalidRequestException(
          "the workload is empty: give at least one request's prompt and output length");
    }
    Check.notNegative("workload", "requestsPerSecond", requestsPerSecond);
    Check.notNegative("workload", "concurrency", concurrency);
    Check.positive("workload", "maxTokens", maxTokens);
    if (requestsPerSecond == 0 && concurrency == 0) {
      throw new InvalidRequestException(
          "the workload has rate 0 and concurrency 0: give an arrival rate in requests per second,"
              + " or how many run at the same time");
    }
  }

  /** Requests that arrive whether or not others are done. */
  public static Workload atRate(List<Lengths> lengths, double requestsPerSecond) {
    Check.positive("workload", "requestsPerSecond", requestsPerSecond);
    return new Workload(lengths, requestsPerSecond, 0, DEFAULT_MAX_TOKENS);
  }

  /** So many requests at the same time, each followed by another. */
  public static Workload concurrent(List<Lengths> lengths, int concurrency) {
    Check.positive("workload", "concurrency", concurrency);
    return new Workload(lengths, 0, concurrency, DEFAULT_MAX_TOKENS);
  }

  /** Whether more than one is expected to run at a time, as far as is known. */
  public boolean isMany() {
    return requestsPerSecond > 0 || concurrency > 1;
  }

  /** The same requests at another rate. */
  public Workload withRate(double rate) {
    return new Workload(lengths, rate, concurrency, maxTokens);
  }

  /** Tokens. */
  public double meanPrompt() {
    long sum = 0;
    for (Lengths request : lengths) {
      sum += request.prompt();
    }
    return (double) sum / lengths.size();
  }

  /** Tokens. */
  public double meanOutput() {
    long sum = 0;
    for (Lengths request : lengths) {
      sum += request.output();
    }
    return (double) sum / lengths.size();
  }
}
