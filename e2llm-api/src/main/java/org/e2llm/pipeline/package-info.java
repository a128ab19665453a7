/**
 * The seam between the serving core and whoever computes: {@link org.e2llm.pipeline.Stage} hosts
 * one layer range, {@link org.e2llm.pipeline.Replica} is a chain of stages that holds the whole
 * model.
 *
 * <p>Interfaces and the values that cross them. A stage may be local or remote: nothing here may
 * let a caller tell which.
 */
@NullMarked
package org.e2llm.pipeline;

import org.jspecify.annotations.NullMarked;
