/**
 * The strategies that can be laid side by side: each takes the same question and gives plans.
 *
 * <p>{@code e2llm} is the paper's idea in our reading, {@code splitwise} the baseline in four
 * variants, {@code single-pipeline} and {@code replicas} the two obvious answers. {@code adaptive},
 * the default, lets the simulator judge what the others find, and goes on from there.
 */
@NullMarked
package org.e2llm.planner.strategy;

import org.jspecify.annotations.NullMarked;
