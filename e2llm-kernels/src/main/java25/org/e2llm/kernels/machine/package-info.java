/**
 * Matrix products as machine code that the library writes itself: an assembler for the few x86-64
 * instructions it takes, memory to run them from, and a kernel per weight type.
 *
 * <p>With one token every weight is read once, and what the JIT compiler adds to each (bounds
 * checks, masks for permutations, conversions by detours) is half of the time. With several, the
 * same code fills a panel of floats that all tokens are multiplied with. Everything else stays with
 * the kernels that these are put in front of.
 */
@NullMarked
package org.e2llm.kernels.machine;

import org.jspecify.annotations.NullMarked;
