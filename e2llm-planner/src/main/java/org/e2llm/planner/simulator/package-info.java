/**
 * How a plan does under load: discrete events, a virtual clock, batches as the smallest unit.
 *
 * <p>{@link org.e2llm.planner.simulator.Deployment} is a plan on its fleet, {@link
 * org.e2llm.planner.simulator.Simulator} runs {@link org.e2llm.planner.workload.Requests} through
 * it, {@link org.e2llm.planner.simulator.SimulationResult} has the metrics. Every decision is made
 * by the classes of {@code org.e2llm.serving}, as in a live cluster; here is only what they decide
 * about: stages, links, memory and time. No threads, no I/O, no clock: the same input gives the
 * same result.
 */
@NullMarked
package org.e2llm.planner.simulator;

import org.jspecify.annotations.NullMarked;
