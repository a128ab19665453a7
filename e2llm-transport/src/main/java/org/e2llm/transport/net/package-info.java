/**
 * Connections between peers: TLS over non-blocking sockets, the proof of the secret, hello,
 * heartbeats, measurement of links.
 *
 * <p>One {@link org.e2llm.transport.net.Endpoint} per peer: one thread, one selector, any number of
 * {@link org.e2llm.transport.net.Connection}s. Frames go in from any thread and come out on that
 * thread. Nothing here decides who is alive, who coordinates or which plan holds; that is {@code
 * cluster}. What the messages mean is up to who listens.
 */
@NullMarked
package org.e2llm.transport.net;

import org.jspecify.annotations.NullMarked;
