package org.e2llm.samples.chat;

import org.e2llm.Generation;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.Interrupt;
import org.jspecify.annotations.Nullable;

/**
 * What Ctrl-C does in a conversation: it stops the answer that is running; with none running, it
 * warns once and then ends the process. Thread-safe.
 */
final class TurnSwitch {
  private @Nullable Generation answer;
  private boolean warned;

  /** An answer has begun. */
  synchronized void begin(Generation generation) {
    answer = generation;
  }

  /** It has ended. */
  synchronized void end() {
    answer = null;
  }

  /** The user has entered a line: the next Ctrl-C warns again. */
  synchronized void spoken() {
    warned = false;
  }

  synchronized void interrupt(Console console) {
    if (answer != null) {
      answer.cancel();
    } else if (warned || !console.terminals().in()) {
      Runtime.getRuntime().halt(Interrupt.EXIT_CODE);
    } else {
      warned = true;
      console.note("\n(Ctrl-C again or Ctrl-D ends)\n> ");
    }
  }
}
