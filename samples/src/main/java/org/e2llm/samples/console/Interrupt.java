package org.e2llm.samples.console;

import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * Ctrl-C. While one of these is open, SIGINT runs an action on a thread of the JVM instead of
 * ending the process; closing it restores what was before.
 */
public final class Interrupt implements AutoCloseable {
  /** What a shell expects of a command that ended by SIGINT: 128 + 2. */
  public static final int EXIT_CODE = 130;

  private static final Signal SIGINT = new Signal("INT");

  private final SignalHandler before;

  private Interrupt(SignalHandler before) {
    this.before = before;
  }

  /** Runs {@code action} at every SIGINT until closed. */
  public static Interrupt on(Runnable action) {
    return new Interrupt(handle(signal -> action.run()));
  }

  @Override
  public void close() {
    handle(before);
  }

  private static SignalHandler handle(SignalHandler handler) {
    try {
      return Signal.handle(SIGINT, handler);
    } catch (IllegalArgumentException e) {
      // The JVM was told to leave signals alone (-Xrs): Ctrl-C then ends the process as ever.
      return SignalHandler.SIG_DFL;
    }
  }
}
