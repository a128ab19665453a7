/**
 * Stages on several devices as one replica, and the sessions that run on it.
 *
 * <p>A replica is a <i>ring</i>: its host has the first stage and forms the batches ({@link
 * org.e2llm.transport.stage.RingReplica}), hidden states go from stage to stage ({@link
 * org.e2llm.transport.stage.StageHost}), and what the last one samples goes straight back to the
 * host and to the caller. {@link org.e2llm.transport.stage.HostedSessions} takes sessions of
 * callers in. What a ring that broke leaves ({@link org.e2llm.transport.stage.KeptStages}), the
 * next one goes on with. {@link org.e2llm.transport.stage.KvExchange} moves the KV of prompts that
 * one replica computes for another one, stage to stage. Nothing here knows how connections are
 * made: {@link org.e2llm.transport.stage.Links} is all there is of the network.
 */
@NullMarked
package org.e2llm.transport.stage;

import org.jspecify.annotations.NullMarked;
