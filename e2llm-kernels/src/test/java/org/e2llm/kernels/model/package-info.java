/**
 * Tests of the forward pass: against the reference engine's values, and against itself cut
 * otherwise.
 */
package org.e2llm.kernels.model;
