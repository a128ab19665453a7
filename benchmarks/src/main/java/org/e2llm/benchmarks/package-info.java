/**
 * JMH benchmarks of the kernels: one class per question. What a whole model does is measured by
 * {@code samples/run bench}; tests of correctness do not belong here.
 */
@NullMarked
package org.e2llm.benchmarks;

import org.jspecify.annotations.NullMarked;
