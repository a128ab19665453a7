/**
 * What an app says and hears about a cluster: the secret that peers share, and the errors that have
 * to do with other peers.
 *
 * <p>Every error here is a {@link org.e2llm.cluster.ClusterException}; its subclasses name the
 * cause. Connections, threads and bytes are the business of {@code e2llm-transport}; nothing here
 * opens a socket or depends on that module.
 */
@NullMarked
package org.e2llm.cluster;

import org.jspecify.annotations.NullMarked;
