package org.e2llm.benchmarks.pipeline;

import com.sun.management.ThreadMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.e2llm.E2llm;

/** A device in a process of its own, which ends with this one. */
final class OtherDevice implements AutoCloseable {
  private static final String ANSWER = "answer ";
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final Process process;
  private final BufferedReader out;
  private final PrintStream in;
  private final String id;

  /**
   * Starts it, with the options of this JVM, and waits until it has joined.
   *
   * @param port where it listens on loopback
   * @param peer the port of another device
   */
  OtherDevice(Setting setting, String name, int port, int peer) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(OtherDevice.class.getName());
    command.add(setting.model().toString());
    command.add(Integer.toString(setting.batch()));
    command.add(Integer.toString(setting.context()));
    command.add(setting.folder().toString());
    command.add(Long.toString(setting.memory()));
    command.addAll(List.of(name, Integer.toString(port), Integer.toString(peer)));
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
    out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    in = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
    id = answer();
  }

  /** The other process: says its id, then for every line it reads what it has allocated. */
  public static void main(String[] args) throws IOException {
    Setting setting =
        new Setting(
            Path.of(args[0]),
            Integer.parseInt(args[1]),
            Integer.parseInt(args[2]),
            Path.of(args[3]),
            Long.parseLong(args[4]));
    try (E2llm llm =
        setting.join(args[5], Integer.parseInt(args[6]), List.of(Integer.parseInt(args[7])))) {
      System.out.println(ANSWER + llm.cluster().status().self());
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      while (in.readLine() != null) {
        System.out.println(ANSWER + allocatedHere());
      }
    }
  }

  static int freePort() {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Bytes that this JVM has allocated so far. */
  static long allocatedHere() {
    return THREADS.getTotalThreadAllocatedBytes();
  }

  String id() {
    return id;
  }

  /** Bytes that its JVM has allocated so far. */
  long allocated() throws IOException {
    in.println();
    return Long.parseLong(answer());
  }

  /** The JVM may print too. */
  private String answer() throws IOException {
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (line.startsWith(ANSWER)) {
        return line.substring(ANSWER.length());
      }
    }
    throw new IOException("process " + process.pid() + " has ended");
  }

  /** Ends it at once, as a crash does. */
  void kill() {
    process.destroyForcibly();
  }

  @Override
  public void close() {
    in.close();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        kill();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      kill();
    }
  }
}
