package org.e2llm.transport.discovery;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** A JVM of its own with the class path of the tests; killed at the latest when closed. */
final class ChildProcess implements AutoCloseable {
  private final Process process;
  final List<String> out = new CopyOnWriteArrayList<>();
  final List<String> err = new CopyOnWriteArrayList<>();
  private final List<Thread> readers = new ArrayList<>();

  ChildProcess(List<String> prefix, String... args) throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xshare:auto", "-cp", classPath()));
    command.add(DiscoveryProbe.class.getName());
    command.addAll(Arrays.asList(args));
    process = new ProcessBuilder(command).start();
    read(process.getInputStream(), out);
    read(process.getErrorStream(), err);
  }

  /** Surefire hides the real one behind a manifest. */
  private static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  private void read(InputStream stream, List<String> lines) {
    Thread reader =
        new Thread(
            () -> {
              try (BufferedReader text =
                  new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
                for (String line = text.readLine(); line != null; line = text.readLine()) {
                  lines.add(line);
                }
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    reader.setDaemon(true);
    reader.start();
    readers.add(reader);
  }

  boolean saysLineWith(String start, String... parts) {
    return out.stream()
        .anyMatch(
            line -> line.startsWith(start) && Arrays.stream(parts).allMatch(p -> line.contains(p)));
  }

  void await(String start, String... parts) throws InterruptedException {
    Eventually.is(
        () -> start + " " + Arrays.toString(parts) + " in " + out + " " + err,
        () -> saysLineWith(start, parts));
  }

  /** Lets it end orderly. */
  void end() throws IOException {
    process.getOutputStream().close();
  }

  /** Whether it has ended within 30 s. */
  boolean ends() throws InterruptedException {
    boolean ended = process.waitFor(30, TimeUnit.SECONDS);
    for (Thread reader : readers) {
      reader.join(ended ? 5_000 : 1);
    }
    return ended;
  }

  int exitValue() {
    return process.exitValue();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
