/**
 * What every sample needs to live on a command line: UTF-8 streams, errors of one line, Ctrl-C, the
 * options that open a model, and JSON for scripts.
 *
 * <p>Nothing here knows how a model computes; what embeds the library is in the samples' own
 * packages.
 */
@NullMarked
package org.e2llm.samples.console;

import org.jspecify.annotations.NullMarked;
