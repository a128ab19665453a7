/**
 * Cuts the layers of a model over an ordered list of devices, exactly, by dynamic programming.
 *
 * <p>Knows costs as numbers only: neither models nor networks, so that every small instance can be
 * compared with brute force.
 */
@NullMarked
package org.e2llm.planner.partition;

import org.jspecify.annotations.NullMarked;
