package org.e2llm.samples.chaos;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A process of its own that runs a main class of this class path; ends with this JVM. */
final class Jvm implements AutoCloseable {
  /** Of java.util.logging, in the processes: what the transport does is told in their errors. */
  private static final String LOGGING =
      "handlers=java.util.logging.ConsoleHandler\norg.e2llm.level=FINE\n"
          + "java.util.logging.ConsoleHandler.level=FINE\n"
          + "java.util.logging.SimpleFormatter.format=%1$tT.%1$tL %3$s: %5$s %6$s%n\n";

  private static final String CLASS_PATH =
      System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));

  private final Process process;
  private final Writer in;
  private final LinkedBlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private final Thread killer;
  private final Path errors;

  /**
   * Starts it.
   *
   * @param prefix what runs the command, such as in a namespace; mostly nothing
   * @param options of the JVM, beyond what keeps it small
   * @param errors where standard error goes, after what is there already
   */
  Jvm(
      List<String> prefix,
      List<String> options,
      Path errors,
      String mainClass,
      List<String> arguments) {
    this.errors = errors;
    List<String> command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Djava.util.logging.config.file=" + logging(errors.resolveSibling("logging")));
    command.addAll(
        List.of("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", CLASS_PATH));
    command.addAll(options);
    command.add(mainClass);
    command.addAll(arguments);
    try {
      process =
          new ProcessBuilder(command)
              .redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()))
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    in = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
    killer = new Thread(process::destroyForcibly);
    Runtime.getRuntime().addShutdownHook(killer);
    Thread reader = new Thread(this::read, "output of " + process.pid());
    reader.setDaemon(true);
    reader.start();
  }

  private static Path logging(Path file) {
    try {
      return Files.exists(file) ? file : Files.writeString(file, LOGGING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void read() {
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        lines.add(line);
      }
    } catch (IOException e) {
      // Its end is seen by those who wait for lines.
    }
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** The next line of standard output, or null if none comes in time or the process has ended. */
  @Nullable String line(long timeout, TimeUnit unit) {
    long end = System.nanoTime() + unit.toNanos(timeout);
    try {
      while (System.nanoTime() < end) {
        String line = lines.poll(20, TimeUnit.MILLISECONDS);
        if (line != null || (!process.isAlive() && lines.isEmpty())) {
          return line;
        }
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    return null;
  }

  /** A line to its standard input. */
  void say(String line) {
    try {
      in.write(line + "\n");
      in.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("process " + process.pid() + " reads no more", e);
    }
  }

  /** What of it there is: open files and sockets, threads. */
  int openFiles() {
    return entries("fd");
  }

  int threads() {
    return entries("task");
  }

  private int entries(String kind) {
    String[] names = Path.of("/proc", Long.toString(process.pid()), kind).toFile().list();
    return names == null ? 0 : names.length;
  }

  /** Live objects of a class, after a garbage collection. */
  int instances(String className) {
    String histogram = jcmd("GC.class_histogram");
    for (String line : histogram.split("\\R")) {
      String[] words = line.strip().split("\\s+");
      if (words.length >= 4 && words[3].equals(className)) {
        return Integer.parseInt(words[1]);
      }
    }
    return 0;
  }

  /** The end of what it wrote to standard error. */
  String lastErrors() {
    try {
      String text = Files.readString(errors);
      return text.substring(Math.max(0, text.length() - 3000));
    } catch (IOException e) {
      return e.toString();
    }
  }

  String threadDump() {
    return jcmd("Thread.print");
  }

  private String jcmd(String command) {
    String tool = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
    return Shell.run(tool, Long.toString(process.pid()), command);
  }

  /** Sends a signal: KILL, STOP, CONT, TERM. */
  void signal(String name) {
    Shell.run("kill", "-" + name, Long.toString(process.pid()));
  }

  /** Waits for its end; false if it goes on. */
  boolean ended(long timeout, TimeUnit unit) {
    try {
      return process.waitFor(timeout, unit);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  int exitCode() {
    return process.exitValue();
  }

  @Override
  public void close() {
    process.destroyForcibly();
    ended(10, TimeUnit.SECONDS);
    Runtime.getRuntime().removeShutdownHook(killer);
  }
}
