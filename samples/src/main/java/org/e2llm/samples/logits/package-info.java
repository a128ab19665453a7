/**
 * What the model makes of given token ids: the raw scores of the next token.
 *
 * <p>Uses {@code org.e2llm} as any app would; only {@link org.e2llm.samples.console} besides.
 */
@NullMarked
package org.e2llm.samples.logits;

import org.jspecify.annotations.NullMarked;
