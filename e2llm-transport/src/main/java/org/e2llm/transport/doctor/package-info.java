/**
 * Says why peers do not find or reach each other: looks at the network of this host as a peer would
 * use it, and at every peer it can find, without becoming a member.
 *
 * <p>Sees {@code discovery}, {@code net} and {@code trust}; nothing of the running cluster depends
 * on it.
 */
@NullMarked
package org.e2llm.transport.doctor;

import org.jspecify.annotations.NullMarked;
