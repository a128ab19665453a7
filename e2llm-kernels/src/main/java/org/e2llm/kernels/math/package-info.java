/**
 * The maths: dequantisation, matrix products, norms, softmax, rotations, and the threads that share
 * them.
 *
 * <p>{@link org.e2llm.kernels.math.ScalarKernels} defines the arithmetic {@code F32}; every other
 * kernel gives the same bits. Knows tensors and float arrays, never a model or a file.
 */
@NullMarked
package org.e2llm.kernels.math;

import org.jspecify.annotations.NullMarked;
