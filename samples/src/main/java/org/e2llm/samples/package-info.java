/**
 * Small apps that embed the library, one package each: {@link org.e2llm.samples.generate} is the
 * one to read first. The only module that prints or exits.
 *
 * <p>{@link org.e2llm.samples.Main} chooses the app; what they share on the command line is in
 * {@link org.e2llm.samples.console}. No app knows another.
 */
@NullMarked
package org.e2llm.samples;

import org.jspecify.annotations.NullMarked;
