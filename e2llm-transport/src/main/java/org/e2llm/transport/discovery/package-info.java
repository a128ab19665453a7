/**
 * Where peers may be: found on the LAN by multicast DNS, or given by the app as host and port.
 *
 * <p>All of it is a hint. A candidate is an address that says it knows our secret's tag, which
 * anybody who listens can repeat; who is really there, {@code trust} finds out. What is announced
 * is a port, the tag and a random name that changes with every start: no name of a person, host or
 * peer. {@link org.e2llm.transport.discovery.Discovery} is small so that a platform's own service
 * (Android's {@code NsdManager}) can fill it. Why nothing is found, or an address is not reached,
 * can always be shown: {@link org.e2llm.transport.discovery.InterfaceReport}, {@link
 * org.e2llm.transport.discovery.Unreachable}, {@link org.e2llm.transport.discovery.NetworkChecks}.
 *
 * <p>Knows nothing of connections, frames or membership.
 */
@NullMarked
package org.e2llm.transport.discovery;

import org.jspecify.annotations.NullMarked;
