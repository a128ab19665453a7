package org.e2llm.samples.chaos;

import java.io.IOException;
import org.e2llm.samples.Main;

/**
 * The samples, in a process that ends when its standard input does: a test that is killed leaves no
 * peers behind.
 */
final class SampleProgram {
  private SampleProgram() {}

  public static void main(String[] args) {
    Thread watcher =
        new Thread(
            () -> {
              try {
                while (System.in.read() >= 0) {
                  // Nothing is said to it.
                }
              } catch (IOException e) {
                // As good as its end.
              }
              Runtime.getRuntime().halt(1);
            });
    watcher.setDaemon(true);
    watcher.start();
    Main.main(args);
  }
}
