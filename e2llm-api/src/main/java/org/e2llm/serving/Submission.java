package org.e2llm.serving;

import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.e2llm.E2llmException;
import org.e2llm.GenerationResult;
import org.e2llm.Progress;
import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.SamplingSpec;
import org.jspecify.annotations.Nullable;

/**
 * A request as the serving loop takes it: in tokens, checked against the model.
 *
 * @param prompt at least one token; not to be changed
 * @param maxTokens at least 1; prompt and output together fit in the context
 * @param sampling with its seed chosen
 * @param stop stop sequences
 * @param deadline for waiting, or null
 * @param onPrefill called on the delivery thread, or null
 * @param hold where the KV cache is kept afterwards, or null to free it
 * @param onEnd told before anybody who waits for the generation, or null
 * @param caller the app on another device that it is for, or null for one on this device
 * @param waited for how long it has waited elsewhere; null if it had begun there and lost its place
 */
public record Submission(
    int[] prompt,
    int maxTokens,
    SamplingSpec sampling,
    List<String> stop,
    @Nullable Duration deadline,
    @Nullable Consumer<Progress> onPrefill,
    @Nullable KvHold hold,
    @Nullable EndListener onEnd,
    @Nullable Caller caller,
    @Nullable Duration waited) {
  /** Is told of the end of a generation; must be quick, and must not throw. */
  @FunctionalInterface
  public interface EndListener {
    /**
     * The generation has ended.
     *
     * @param result null if it failed
     * @param error why it failed, else null
     */
    void ended(@Nullable GenerationResult result, @Nullable E2llmException error);
  }
}
