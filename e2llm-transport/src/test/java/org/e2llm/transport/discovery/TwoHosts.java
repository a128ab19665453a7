package org.e2llm.transport.discovery;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Two network namespaces with a cable (veth) between them: two hosts, for those who are root on
 * Linux. Removed with all that is in them when closed.
 */
final class TwoHosts implements AutoCloseable {
  private final String suffix = Long.toString(ProcessHandle.current().pid(), 36);
  final String a = "e2a" + suffix;
  final String b = "e2b" + suffix;

  /** Skips the test, visibly, where namespaces cannot be made. */
  TwoHosts() throws Exception {
    try {
      run("ip", "netns", "add", a);
      run("ip", "netns", "add", b);
    } catch (IOException e) {
      close();
      String reason = "needs root and `ip netns` (package iproute2): " + e.getMessage();
      System.out.println("[skipped] " + reason);
      abort(reason);
    }
    in(a, "ip", "link", "set", "lo", "up");
    in(b, "ip", "link", "set", "lo", "up");
  }

  /** Lays the cable; {@code 10.77.0.1} is at A and {@code 10.77.0.2} at B. */
  void connect() throws Exception {
    run("ip", "-n", a, "link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns", b);
    for (String host : List.of(a, b)) {
      String address = host.equals(a) ? "10.77.0.1/24" : "10.77.0.2/24";
      run("ip", "-n", host, "addr", "add", address, "dev", "lan0");
      run("ip", "-n", host, "link", "set", "lan0", "up");
    }
  }

  /** What starts a command on a host. */
  static List<String> on(String host) {
    return List.of("ip", "netns", "exec", host);
  }

  private static void in(String host, String... command) throws Exception {
    List<String> all = new ArrayList<>(on(host));
    all.addAll(List.of(command));
    run(all.toArray(new String[0]));
  }

  static void run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    byte[] output = process.getInputStream().readAllBytes();
    if (!process.waitFor(10, TimeUnit.SECONDS) || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IOException(
          String.join(" ", command) + ": " + new String(output, StandardCharsets.UTF_8).trim());
    }
  }

  @Override
  public void close() {
    for (String host : List.of(a, b)) {
      try {
        run("ip", "netns", "del", host);
      } catch (IOException e) {
        // it was never made
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
