package org.e2llm.pipeline;

import org.e2llm.LogitsProcessor;
import org.e2llm.text.SamplingParams;
import org.jspecify.annotations.Nullable;

/**
 * How a session's tokens are chosen.
 *
 * @param params the chain's settings, seed included
 * @param processor the request's own step, or null; where there is one, logits are sampled on the
 *     device of the app
 */
public record SamplingSpec(SamplingParams params, @Nullable LogitsProcessor processor) {}
