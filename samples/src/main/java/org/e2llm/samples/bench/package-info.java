/**
 * How fast prompts are read and tokens are generated, in the columns of {@code llama-bench}.
 *
 * <p>Uses {@code org.e2llm} as any app would; only {@link org.e2llm.samples.console} besides.
 */
@NullMarked
package org.e2llm.samples.bench;

import org.jspecify.annotations.NullMarked;
