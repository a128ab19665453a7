/**
 * What a model file says of itself, read from its header alone.
 *
 * <p>Uses {@code org.e2llm} as any app would; only {@link org.e2llm.samples.console} besides.
 */
@NullMarked
package org.e2llm.samples.inspect;

import org.jspecify.annotations.NullMarked;
