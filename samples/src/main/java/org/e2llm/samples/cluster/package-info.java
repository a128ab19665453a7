/**
 * Several devices as one: a peer that hosts, the secret they share, a look at who is there, and the
 * options with which other samples join.
 */
@NullMarked
package org.e2llm.samples.cluster;

import org.jspecify.annotations.NullMarked;
