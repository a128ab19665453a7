/**
 * JMH benchmarks of the kernels. They say which kernel to work on; whole models are measured by
 * {@code samples/run bench}, in the columns of {@code llama-bench}.
 *
 * <p>Run with {@code java --add-modules jdk.incubator.vector -jar
 * benchmarks/target/benchmarks.jar}.
 */
@NullMarked
package org.e2llm.benchmarks;

import org.jspecify.annotations.NullMarked;
