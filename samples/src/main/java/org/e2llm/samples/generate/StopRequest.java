package org.e2llm.samples.generate;

import org.e2llm.Generation;
import org.e2llm.samples.console.Interrupt;
import org.jspecify.annotations.Nullable;

/**
 * What Ctrl-C does: once, it cancels the generation; before there is one, or a second time, it ends
 * the process at once. Thread-safe.
 */
final class StopRequest {
  private @Nullable Generation generation;
  private boolean requested;

  synchronized void attach(Generation running) {
    generation = running;
  }

  synchronized void request() {
    if (generation == null || requested) {
      Runtime.getRuntime().halt(Interrupt.EXIT_CODE);
    } else {
      requested = true;
      generation.cancel();
    }
  }

  synchronized boolean isRequested() {
    return requested;
  }
}
