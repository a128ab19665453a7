/**
 * From text to tokens and back: {@link org.e2llm.text.Tokenizer}, {@link
 * org.e2llm.text.ChatTemplate}, and the sampler that chooses the next token.
 *
 * <p>Everything here is a pure function of its inputs, so that any device can go on with a session.
 */
@NullMarked
package org.e2llm.text;

import org.jspecify.annotations.NullMarked;
