/**
 * Text to token ids and back. Needs a vocabulary only, no weights.
 *
 * <p>Uses {@code org.e2llm} as any app would; only {@link org.e2llm.samples.console} besides.
 */
@NullMarked
package org.e2llm.samples.tokenize;

import org.jspecify.annotations.NullMarked;
