package org.e2llm;

/**
 * What the serving core holds at a moment.
 *
 * @param activeSessions generations that run, idle conversations with a KV cache, open scorers
 * @param queued generations that wait for memory or their turn
 * @param kvBudgetBytes the bound: {@link E2llm.Builder#kvMemory}
 * @param kvReservedBytes KV cache that active sessions have been given, never more than the budget
 * @param kvAllocatedBytes KV cache they have allocated so far
 */
public record ServingStats(
    int activeSessions,
    int queued,
    long kvBudgetBytes,
    long kvReservedBytes,
    long kvAllocatedBytes) {}
