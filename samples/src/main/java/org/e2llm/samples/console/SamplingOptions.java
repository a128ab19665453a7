package org.e2llm.samples.console;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.GenerationRequest;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say how tokens are chosen and when to stop; unset ones are the library's. */
public final class SamplingOptions {
  @Option(
      names = {"-n", "--max-tokens"},
      paramLabel = "N",
      description = "Most tokens to generate; default: 512, or what the context leaves.")
  private @Nullable Integer maxTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "0 takes the best token always; higher is more surprising; default: 0.8.")
  private @Nullable Float temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "Draw from the K best tokens; 0 for all; default: 40.")
  private @Nullable Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "Draw from the best tokens that reach probability P together; default: 0.95.")
  private @Nullable Float topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description = "Draw from tokens at least P times as probable as the best; default: 0.05.")
  private @Nullable Float minP;

  @Option(
      names = "--repeat-penalty",
      paramLabel = "R",
      description = "Above 1: avoid the last 64 tokens; default: 1.")
  private @Nullable Float repeatPenalty;

  @Option(
      names = {"-s", "--seed"},
      paramLabel = "S",
      description = "The same seed gives the same text; default: chosen and reported.")
  private @Nullable Long seed;

  @Option(
      names = "--stop",
      paramLabel = "S",
      description = "Stop before this text; may be given several times.")
  private List<String> stop = new ArrayList<>();

  public GenerationRequest.Builder apply(GenerationRequest.Builder request) {
    if (maxTokens != null) {
      request.maxTokens(maxTokens);
    }
    if (temperature != null) {
      request.temperature(temperature);
    }
    if (topK != null) {
      request.topK(topK);
    }
    if (topP != null) {
      request.topP(topP);
    }
    if (minP != null) {
      request.minP(minP);
    }
    if (repeatPenalty != null) {
      request.repeatPenalty(repeatPenalty);
    }
    if (seed != null) {
      request.seed(seed);
    }
    return request.stop(stop.toArray(String[]::new));
  }
}
