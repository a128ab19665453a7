/**
 * The vocabulary of plans: what devices and links can do, what is asked of them, and who hosts
 * which layers in which role.
 *
 * <p>Immutable values that compare by value and refuse what makes no sense with a typed error.
 * Times are seconds, sizes bytes, speeds bytes or operations per second. How a plan is found is the
 * business of {@code e2llm-planner}; nothing here searches, measures or does I/O. {@link
 * org.e2llm.plan.PlanCodec} and {@link org.e2llm.plan.FleetCodec} know the JSON form.
 */
@NullMarked
package org.e2llm.plan;

import org.jspecify.annotations.NullMarked;
