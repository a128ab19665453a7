package org.e2llm;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What came of a generation.
 *
 * @param text the texts of all tokens, put together
 * @param finishReason why it ended
 * @param stopSequence the stop sequence that ended it, or null
 * @param usage tokens
 * @param timings durations
 * @param seed the seed that was used; with it the same request gives the same text
 */
public record GenerationResult(
    String text,
    FinishReason finishReason,
    @Nullable String stopSequence,
    Usage usage,
    Timings timings,
    long seed) {
  public GenerationResult {
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(finishReason, "finishReason");
    Objects.requireNonNull(usage, "usage");
    Objects.requireNonNull(timings, "timings");
  }
}
