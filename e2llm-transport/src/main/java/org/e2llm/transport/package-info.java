/**
 * The LAN: how peers find and trust each other, agree on a plan, share out a model's bytes and run
 * its stages as one pipeline.
 *
 * <p>From the outside in: {@code discovery} finds addresses, {@code trust} says who may talk,
 * {@code net} moves frames, {@code wire} lays them out, {@code cluster} decides who is there and
 * which plan is in force, {@code slice} brings weights. Here they are put together. What decides is
 * pure: no threads, sockets or clocks in {@code cluster}.
 */
@NullMarked
package org.e2llm.transport;

import org.jspecify.annotations.NullMarked;
