/**
 * Fleets and models that every result of this project is stated for: data, no logic.
 *
 * <p>Figures of devices are effective ones, as far as they are known of the hardware's kind; a live
 * device measures its own.
 */
@NullMarked
package org.e2llm.planner.catalog;

import org.jspecify.annotations.NullMarked;
