/**
 * GGUF files: read the header, map the weights, write new files.
 *
 * <p>Source of the format: <a
 * href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">gguf.md</a>, versions 2 and 3,
 * little-endian. A file is untrusted: every count, length and offset is checked against what the
 * file holds before it is used, and errors name the field.
 *
 * <p>Knows metadata and tensors as the file has them; what a key means to a model belongs to {@code
 * org.e2llm.kernels.model}. Depends on {@code org.e2llm.kernels.math} for {@link
 * org.e2llm.kernels.math.Tensor} only.
 */
@NullMarked
package org.e2llm.kernels.gguf;

import org.jspecify.annotations.NullMarked;
