package org.e2llm.samples.console;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Which of the standard streams are terminals. Java cannot ask per stream: Linux's {@code /proc}
 * can be read instead, and elsewhere {@link System#console()} tells whether both input and output
 * are.
 *
 * @param in whether a person types
 * @param out whether a person reads the output
 * @param err whether a person reads the messages; the launcher says so in {@code E2LLM_STDERR_TTY},
 *     because behind its filter nobody could see it
 */
public record Terminals(boolean in, boolean out, boolean err) {
  static final Terminals NONE = new Terminals(false, false, false);

  @SuppressWarnings("SystemConsoleNull") // null again since 25 where nobody is there
  static Terminals ofProcess() {
    boolean err = "1".equals(System.getenv("E2LLM_STDERR_TTY")) || isTerminal(2, false);
    boolean console = System.console() != null;
    return new Terminals(isTerminal(0, console), isTerminal(1, console), err);
  }

  private static boolean isTerminal(int descriptor, boolean otherwise) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.equals("/dev/console");
    } catch (IOException | UnsupportedOperationException e) {
      return otherwise;
    }
  }
}
