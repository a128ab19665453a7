/**
 * How well a model predicts a text: the usual measure of what quantisation costs.
 *
 * <p>Uses {@code org.e2llm} as any app would; only {@link org.e2llm.samples.console} besides.
 */
@NullMarked
package org.e2llm.samples.perplexity;

import org.jspecify.annotations.NullMarked;
