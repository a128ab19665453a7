/**
 * The study: all strategies in all cells of fleets, models, workloads and loads, kept in two CSV
 * files from which the tables of {@code docs/planner} are made.
 *
 * <p>Uses the planner module as any tool would; only {@link org.e2llm.samples.console} besides.
 */
@NullMarked
package org.e2llm.samples.study;

import org.jspecify.annotations.NullMarked;
