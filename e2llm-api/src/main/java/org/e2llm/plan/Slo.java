package org.e2llm.plan;

/**
 * What a request may take to count as served well.
 *
 * @param ttftSeconds the most time to the first token; infinite for no limit
 * @param tpotSeconds the most time per output token after it; infinite for no limit
 */
public record Slo(double ttftSeconds, double tpotSeconds) {
  /** No limit. */
  public static final Slo NONE = new Slo(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);

  public Slo {
    if (!(ttftSeconds > 0)) {
      throw Check.invalid("SLO", "ttft", ttftSeconds, "a number of seconds above 0");
    }
    if (!(tpotSeconds > 0)) {
      throw Check.invalid("SLO", "tpot", tpotSeconds, "a number of seconds above 0");
    }
  }

  /**
   * Whether a request was served well. An answer of one token has no time per output token and
   * passes there.
   */
  public boolean met(double ttft, double tpot, int outputTokens) {
    return ttft <= ttftSeconds && (outputTokens <= 1 || tpot <= tpotSeconds);
  }
}
