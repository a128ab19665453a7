/**
 * Clusters of real processes to which things happen: peers are killed, frozen, cut off, and every
 * generation has to end with the text that one device alone gives. Processes lie on loopback, or
 * where root is available in network namespaces, whose links can fail.
 */
@NullMarked
package org.e2llm.samples.chaos;

import org.jspecify.annotations.NullMarked;
