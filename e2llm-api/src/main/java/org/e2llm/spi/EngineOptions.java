package org.e2llm.spi;

import org.e2llm.model.KvType;

/**
 * What an engine must know before it opens a model.
 *
 * @param threads threads that compute; 0 for as many as physical cores
 * @param contextLength most positions of a session; 0 for min(model, 4096). Fixed for the engine's
 *     life: LongRoPE chooses its factors by it
 * @param kvType type of the KV cache
 * @param batchRows most rows of one batch
 */
public record EngineOptions(int threads, int contextLength, KvType kvType, int batchRows) {}
