/**
 * What a step, a transfer and a slice cost: the numbers that searches and the simulator share.
 *
 * <p>{@link org.e2llm.planner.cost.CostModel} is the interface; one implementation follows from a
 * device's profile, one interpolates its measured step times. Seconds and bytes. Nothing here knows
 * how devices are grouped or how requests are scheduled.
 */
@NullMarked
package org.e2llm.planner.cost;

import org.jspecify.annotations.NullMarked;
