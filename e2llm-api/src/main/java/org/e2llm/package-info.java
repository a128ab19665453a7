/**
 * The public API: open a model with {@link org.e2llm.E2llm}, generate with {@link
 * org.e2llm.Generation}.
 *
 * <p>What an app touches lives here, and the errors it can meet. How a generation is scheduled is
 * in {@code org.e2llm.serving}; who computes it is behind {@code org.e2llm.spi}. Nothing in this
 * package knows a file format, a kernel or a socket.
 */
@NullMarked
package org.e2llm;

import org.jspecify.annotations.NullMarked;
