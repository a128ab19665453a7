/**
 * Requests to plan for and to simulate: recorded traces, synthetic lengths, arrivals.
 *
 * <p>{@link org.e2llm.planner.workload.Trace} reads recorded requests, {@link
 * org.e2llm.planner.workload.Lengths} draws prompt and output lengths, {@link
 * org.e2llm.planner.workload.Requests} puts arrival times to them. Deterministic per seed, the same
 * on every platform. Nothing here knows devices, models or plans.
 */
@NullMarked
package org.e2llm.planner.workload;

import org.jspecify.annotations.NullMarked;
