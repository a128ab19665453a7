/**
 * JMH benchmarks of kernels, planner and links. Whole models are measured by {@code samples/run
 * bench}, in the columns of {@code llama-bench}; {@code docs/benchmarks.md} has the commands.
 *
 * <p>Run with {@code java --add-modules jdk.incubator.vector -jar
 * benchmarks/target/benchmarks.jar}.
 */
@NullMarked
package org.e2llm.benchmarks;

import org.jspecify.annotations.NullMarked;
