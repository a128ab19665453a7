/**
 * The way in: {@code Planner} decides who hosts which layers in which role, and says why.
 *
 * <p>Depends on {@code e2llm-api} only and runs on phones. Everything is deterministic: the same
 * input and seed give the same plan, and search budgets are counts of evaluations, never time. No
 * threads, no I/O, no clock.
 */
@NullMarked
package org.e2llm.planner;

import org.jspecify.annotations.NullMarked;
