/**
 * What the sibling modules implement, found with {@link java.util.ServiceLoader}.
 *
 * <p>An app never uses this package. A missing implementation is reported with the artifact to add.
 */
@NullMarked
package org.e2llm.spi;

import org.jspecify.annotations.NullMarked;
