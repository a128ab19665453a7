package org.e2llm.plan;

/**
 * What is in one step of a stage, in which prompt chunks and decoding sessions may go together.
 * What is not in it is 0.
 *
 * @param promptTokens tokens of prompt chunks
 * @param promptContext mean number of positions that each of them attends to
 * @param decodeRows sessions that take one token each
 * @param cachedTokens tokens in the KV caches of these, all together
 * @param logitRows rows that go through the output head; ignored unless the stage is the last
 */
public record StepWork(
    int promptTokens, double promptContext, int decodeRows, long cachedTokens, int logitRows) {}
