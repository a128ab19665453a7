/**
 * Forms groups of devices and gives them roles: the genetic algorithm, what it maximises, and the
 * exhaustive search that it is held to.
 *
 * <p>Judges by formulas, not by simulation. Deterministic per seed; budgets are counts.
 */
@NullMarked
package org.e2llm.planner.grouping;

import org.jspecify.annotations.NullMarked;
