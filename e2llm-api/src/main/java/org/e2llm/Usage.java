package org.e2llm;

/**
 * Tokens of a generation.
 *
 * @param promptTokens tokens of the prompt, BOS and template included
 * @param cachedTokens of them, those whose KV was already there and that were not computed again
 * @param outputTokens tokens generated, an end-of-generation token included
 */
public record Usage(int promptTokens, int cachedTokens, int outputTokens) {}
