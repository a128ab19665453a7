/**
 * A conversation in the terminal: messages instead of a prompt, a KV cache that stays between
 * turns, and answers that can be stopped.
 *
 * <p>Uses {@code org.e2llm} as any app would; only {@link org.e2llm.samples.console} besides.
 */
@NullMarked
package org.e2llm.samples.chat;

import org.jspecify.annotations.NullMarked;
