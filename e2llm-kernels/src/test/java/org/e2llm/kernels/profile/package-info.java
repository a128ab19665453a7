/** Tests of how a device measures itself: what it finds and keeps, never how fast it is. */
@NullMarked
package org.e2llm.kernels.profile;

import org.jspecify.annotations.NullMarked;
