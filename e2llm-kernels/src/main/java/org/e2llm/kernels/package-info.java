/**
 * The engine for this device, as {@code org.e2llm.spi} asks for it: {@link
 * org.e2llm.kernels.KernelsEngineProvider} is found by {@code ServiceLoader} and opens a {@link
 * org.e2llm.kernels.LocalEngine}.
 *
 * <p>Only what joins the parts lives here: reading files is in {@code gguf}, text in {@code
 * tokenizer} and {@code chat}, arithmetic in {@code math}, the forward pass in {@code model}. Apps
 * use none of these packages directly.
 */
@NullMarked
package org.e2llm.kernels;

import org.jspecify.annotations.NullMarked;
