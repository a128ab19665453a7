package org.e2llm.kernels.math;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Another JVM with this one's class path: what is fixed per JVM can be tried in many ways. */
public final class ChildJvm {
  public static final List<String> VECTORS = List.of("--add-modules", "jdk.incubator.vector");
  public static final List<String> NATIVE_ACCESS = List.of("--enable-native-access=ALL-UNNAMED");

  private ChildJvm() {}

  /** Runs a main class; what it printed, on both streams, then its exit code. */
  public static String run(List<String> flags, Class<?> main, String... args) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx512m");
    command.add("-XX:+UseSerialGC");
    command.addAll(flags);
    command.addAll(List.of("-cp", classPath(), main.getName()));
    command.addAll(List.of(args));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = read(process);
    return output + "exit " + process.waitFor();
  }

  private static String read(Process process) throws IOException {
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  /** Surefire hides the real one behind a manifest. */
  private static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }
}
