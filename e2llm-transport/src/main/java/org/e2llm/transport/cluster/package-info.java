/**
 * What a peer decides about its cluster: who is there, who coordinates, which plan is in force.
 *
 * <p>Pure, deterministic state machines: events and a clock value in, {@link
 * org.e2llm.transport.cluster.Effect effects} out. No threads, sockets, clocks or randomness, so
 * that a simulation can lose, delay, double and reorder everything. {@link
 * org.e2llm.transport.cluster.LocalPeer} is the way in; {@link
 * org.e2llm.transport.cluster.SessionFence} guards the sessions of one stage. Plans are opaque here
 * but for who must be there for them. {@code docs/cluster.md} tells the protocol.
 *
 * <p>Nothing here is thread-safe. Times are nanoseconds since any fixed moment.
 */
@NullMarked
package org.e2llm.transport.cluster;

import org.jspecify.annotations.NullMarked;
