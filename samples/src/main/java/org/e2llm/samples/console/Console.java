package org.e2llm.samples.console;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * The three streams of a command-line app, in UTF-8 whatever the locale.
 *
 * <p>{@link System#out} would not do: it encodes as the locale says and swallows write errors, so
 * that a closed pipe goes unnoticed. Writing is thread-safe; nothing is buffered, because text
 * streams token by token.
 */
public final class Console {
  /** The reader of standard output went away, as {@code head} does. Not an error of ours. */
  public static final class ClosedOutputException extends UncheckedIOException {
    private static final long serialVersionUID = 1L;

    ClosedOutputException(IOException cause) {
      super(cause);
    }
  }

  private final InputStream in;
  private final OutputStream out;
  private final OutputStream err;
  private final Terminals terminals;
  private boolean statusShown;

  /** Streams of any kind, none of them a terminal; they stay the caller's. */
  public Console(InputStream in, OutputStream out, OutputStream err) {
    this(in, out, err, Terminals.NONE);
  }

  private Console(InputStream in, OutputStream out, OutputStream err, Terminals terminals) {
    this.in = in;
    this.out = out;
    this.err = err;
    this.terminals = terminals;
  }

  /** The streams of this process. */
  public static Console ofProcess() {
    return new Console(
        new FileInputStream(FileDescriptor.in),
        new FileOutputStream(FileDescriptor.out),
        new FileOutputStream(FileDescriptor.err),
        Terminals.ofProcess());
  }

  public InputStream in() {
    return in;
  }

  /** Which of the streams a person is looking at. */
  public Terminals terminals() {
    return terminals;
  }

  /** All of standard input, byte for byte; what is no UTF-8 becomes U+FFFD. */
  public String readAll() throws IOException {
    return new String(in.readAllBytes(), StandardCharsets.UTF_8);
  }

  /** Writes to standard output at once. */
  public void print(String text) {
    try {
      synchronized (out) {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
      }
    } catch (IOException e) {
      if (isClosedPipe(e)) {
        throw new ClosedOutputException(e);
      }
      throw new UncheckedIOException("cannot write to standard output", e);
    }
  }

  public void println(String line) {
    print(line + "\n");
  }

  /** Standard output for those who want a writer; it keeps silent about a closed pipe. */
  public PrintWriter writer() {
    return new PrintWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8), true);
  }

  /** Writes to standard error; nobody is left to tell when that fails. */
  public void note(String text) {
    try {
      synchronized (err) {
        err.write(text.getBytes(StandardCharsets.UTF_8));
        err.flush();
      }
    } catch (IOException e) {
      // Standard error is closed: the exit status still says how it ended.
    }
  }

  /** Writes a line to standard error, in place of a status that is shown. */
  public void noteln(String line) {
    synchronized (err) {
      status("");
      note(line + "\n");
    }
  }

  /** Shows how something is going, on a line of the terminal that the next one replaces. */
  void status(String text) {
    synchronized (err) {
      if (statusShown || !text.isEmpty()) {
        note("\r\033[K" + text);
      }
      statusShown = !text.isEmpty();
    }
  }

  /** Told apart from a full disk by its message only: Java has no type for it. */
  private static boolean isClosedPipe(IOException e) {
    String message = String.valueOf(e.getMessage());
    return message.contains("Broken pipe")
        || message.contains("pipe is being closed")
        || message.contains("pipe has been ended");
  }
}
