/**
 * Tests of the reader, the writer and the mapping; {@code Bytes} builds files that break the rules.
 */
@NullMarked
package org.e2llm.kernels.gguf;

import org.jspecify.annotations.NullMarked;
