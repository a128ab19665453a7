/**
 * Pipelines of real processes on this machine, measured as an app sees them. Programs of their own,
 * no JMH: {@link org.e2llm.benchmarks.pipeline.PipelineBenchmark} lays two stages beside one
 * process, {@link org.e2llm.benchmarks.pipeline.LossBenchmark} kills one and waits for the next
 * token. {@code docs/benchmarks.md} has the commands.
 */
@NullMarked
package org.e2llm.benchmarks.pipeline;

import org.jspecify.annotations.NullMarked;
