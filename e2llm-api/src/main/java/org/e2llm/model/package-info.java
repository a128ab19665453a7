/**
 * What a model is: its shape, its layers, its tensor types, and where its bytes come from.
 *
 * <p>Plain values without behaviour beyond arithmetic on themselves. No I/O here.
 */
@NullMarked
package org.e2llm.model;

import org.jspecify.annotations.NullMarked;
