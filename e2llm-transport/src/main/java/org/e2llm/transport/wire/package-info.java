/**
 * How bytes lie on a connection between peers: the frame header, the types of frames and their
 * limits, and the fields that payloads are made of.
 *
 * <p>Everything is little-endian. Everything that is read is checked before it is used: lengths
 * before allocation, counts before loops, with a {@link org.e2llm.cluster.ProtocolException} that
 * names the field. No sockets, threads or clocks here; what a message means is the business of who
 * sends it.
 */
@NullMarked
package org.e2llm.transport.wire;

import org.jspecify.annotations.NullMarked;
