package org.e2llm.samples.cluster;

import static org.e2llm.samples.Until.until;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.e2llm.samples.Main;

/** {@code samples/run peer} in a process of its own, which shares memory. */
final class PeerProcess {
  private final Process process;
  private final List<String> said = new CopyOnWriteArrayList<>();

  /**
   * Starts it.
   *
   * @param folder has the cluster's secret in a file of that name; the peer's own folder, of its
   *     name, lies there too
   * @param more options
   */
  PeerProcess(Path folder, String name, String... more) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--add-modules", "jdk.incubator.vector", "-Xmx256m"));
    // Surefire hides the real class path behind a manifest.
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    command.addAll(List.of("-cp", classPath, Main.class.getName(), "peer", "--no-discovery"));
    command.addAll(List.of("--secret-file", folder.resolve("secret").toString()));
    command.addAll(List.of("--peer-folder", folder.resolve(name).toString()));
    command.addAll(List.of("--listen", "127.0.0.1:0", "--memory", "200M", "--threads", "1"));
    command.addAll(Arrays.asList(more));
    process = new ProcessBuilder(command).redirectErrorStream(true).start();
    Thread reader =
        new Thread(
            () -> {
              try (BufferedReader lines =
                  new BufferedReader(
                      new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                lines.lines().forEach(said::add);
              } catch (IOException | RuntimeException e) {
                said.add("ended: " + e);
              }
            });
    reader.setDaemon(true);
    reader.start();
  }

  /** The address it listens at, once it serves. */
  String ready() {
    until(
        60,
        "a peer is ready",
        () -> said.stream().anyMatch(line -> line.startsWith("ready ")) || !process.isAlive());
    return said.stream()
        .filter(line -> line.startsWith("ready "))
        .findFirst()
        .orElseThrow(() -> new AssertionError("it ended: " + said))
        .substring("ready ".length());
  }

  /** All lines so far, the first one first. */
  List<String> said() {
    return said;
  }

  /** As {@code kill -9} does it. */
  void kill() {
    process.destroyForcibly();
  }

  /** Likewise, and waits for its end. */
  void end() throws InterruptedException {
    process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
  }
}
