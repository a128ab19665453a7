/**
 * A device measures itself: how fast its kernels are with the weights of the model at hand, and
 * what of that may be remembered for the next start.
 *
 * <p>Random weights in memory of our own, so that it does not matter whether the model's bytes are
 * there yet. What follows from the figures is the planner's business, what they are while the
 * cluster runs the transport's.
 */
@NullMarked
package org.e2llm.kernels.profile;

import org.jspecify.annotations.NullMarked;
