/**
 * Who hosts which layers in which role, and how requests would fare: {@code samples/run plan}.
 *
 * <p>Reads fleet, model and kind of requests by name or from files, asks strategies for plans,
 * simulates them at a load, and shows what came of it as text, as JSON or as a page. Decides
 * nothing itself: plans come from {@code org.e2llm.planner}, and so do the simulations.
 */
@NullMarked
package org.e2llm.samples.plan;

import org.jspecify.annotations.NullMarked;
