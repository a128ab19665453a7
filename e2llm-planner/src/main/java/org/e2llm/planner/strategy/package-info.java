/**
 * The strategies that can be laid side by side: each takes the same question and gives plans.
 *
 * <p>{@code e2llm} is the paper's idea in our reading, {@code splitwise} the baseline in four
 * variants, {@code single-pipeline} and {@code replicas} the two obvious answers. How good a plan
 * is under load is the simulator's business.
 */
@NullMarked
package org.e2llm.planner.strategy;

import org.jspecify.annotations.NullMarked;
