/**
 * The serving core: which session runs when, and where.
 *
 * <p>{@link org.e2llm.serving.Router}, {@link org.e2llm.serving.Dispatcher}, {@link
 * org.e2llm.serving.Admission}, {@link org.e2llm.serving.BatchScheduler} and {@link
 * org.e2llm.serving.KvHandoff} are pure, deterministic state machines: no threads, clocks or
 * sockets in them; the planner's simulator drives the same classes with a virtual clock. {@link
 * org.e2llm.serving.ServingLoop} is the driver of a single live replica: one thread that computes,
 * and one that delivers. Who begins next on it says a {@code Dispatcher} of one replica, which
 * reckons with what steps were seen to take; {@link org.e2llm.serving.CallerSessions} keeps what
 * runs in a cluster, on the replicas that {@link org.e2llm.serving.ReplicaRouter} chooses. Apps do
 * not use this package.
 */
@NullMarked
package org.e2llm.serving;

import org.jspecify.annotations.NullMarked;
