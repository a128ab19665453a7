/**
 * Text from a prompt, streamed: the shortest way through the library, and what it measured.
 *
 * <p>Uses {@code org.e2llm} as any app would; only {@link org.e2llm.samples.console} besides.
 */
@NullMarked
package org.e2llm.samples.generate;

import org.jspecify.annotations.NullMarked;
