@NullMarked
package org.e2llm.kernels.tokenizer;

import org.jspecify.annotations.NullMarked;
