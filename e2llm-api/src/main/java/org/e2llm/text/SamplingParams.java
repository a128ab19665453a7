package org.e2llm.text;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.e2llm.InvalidRequestException;

/**
 * Settings of the sampling chain, see {@code Sampler}.
 *
 * @param temperature 0 for greedy, up to 100
 * @param topK 0 for all
 * @param topP above 0, up to 1 for all
 * @param minP 0 for all, below or equal to 1
 * @param repeatPenalty above 0; 1 changes nothing
 * @param frequencyPenalty 0 changes nothing
 * @param presencePenalty 0 changes nothing
 * @param logitBias by token id; negative infinity forbids a token
 * @param seed of the draws
 * @param logprobs candidates to report per token, or {@link #NO_LOGPROBS}
 */
public record SamplingParams(
    float temperature,
    int topK,
    float topP,
    float minP,
    float repeatPenalty,
    float frequencyPenalty,
    float presencePenalty,
    Map<Integer, Float> logitBias,
    long seed,
    int logprobs) {
  /** No log probabilities, not even of the chosen token. */
  public static final int NO_LOGPROBS = -1;

  /** The most candidates that can be reported per token. */
  public static final int MAX_LOGPROBS = 100;

  /** Temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, no penalties, seed 0. */
  public static final SamplingParams DEFAULT =
      new SamplingParams(0.8f, 40, 0.95f, 0.05f, 1, 0, 0, Map.of(), 0, NO_LOGPROBS);

  /** Takes the best token always. */
  public static final SamplingParams GREEDY = DEFAULT.withTemperature(0);

  public SamplingParams {
    check(temperature >= 0 && temperature <= 100, "temperature", temperature, "0 to 100");
    check(topK >= 0, "topK", topK, "0 or more");
    check(topP > 0 && topP <= 1, "topP", topP, "above 0, up to 1");
    check(minP >= 0 && minP <= 1, "minP", minP, "0 to 1");
    check(
        repeatPenalty > 0 && repeatPenalty <= 100,
        "repeatPenalty",
        repeatPenalty,
        "above 0, up to 100");
    check(Math.abs(frequencyPenalty) <= 100, "frequencyPenalty", frequencyPenalty, "-100 to 100");
    check(Math.abs(presencePenalty) <= 100, "presencePenalty", presencePenalty, "-100 to 100");
    check(
        logprobs >= NO_LOGPROBS && logprobs <= MAX_LOGPROBS,
        "logprobs",
        logprobs,
        "0 to " + MAX_LOGPROBS);
    for (Map.Entry<Integer, Float> bias : logitBias.entrySet()) {
      check(bias.getKey() >= 0, "logitBias token", bias.getKey(), "0 or more");
      float value = bias.getValue();
      check(value <= Float.MAX_VALUE, "logitBias", value, "finite or negative infinity");
    }
    logitBias = Collections.unmodifiableMap(new TreeMap<>(logitBias));
  }

  private static void check(boolean holds, String field, Number found, String range) {
    if (!holds) {
      throw new InvalidRequestException(field + " is " + found + ", must be " + range);
    }
  }

  public SamplingParams withTemperature(float value) {
    return new SamplingParams(
        value,
        topK,
        topP,
        minP,
        repeatPenalty,
        frequencyPenalty,
        presencePenalty,
        logitBias,
        seed,
        logprobs);
  }

  public SamplingParams withSeed(long value) {
    return new SamplingParams(
        temperature,
        topK,
        topP,
        minP,
        repeatPenalty,
        frequencyPenalty,
        presencePenalty,
        logitBias,
        value,
        logprobs);
  }

  /** Whether the best token is always taken. */
  public boolean greedy() {
    return temperature == 0;
  }
}
