package org.e2llm.samples.cluster;

import java.util.concurrent.Callable;
import org.e2llm.cluster.Secret;
import org.e2llm.samples.console.Console;
import picocli.CommandLine.Command;

/** Makes a secret for a cluster. */
@Command(
    name = "secret",
    description = "Prints a new secret, which all devices of a cluster share.",
    footer = {
      "",
      "Example:",
      "  (umask 077; samples/run secret > kitchen.secret)",
      "  samples/run peer --cluster kitchen --secret-file kitchen.secret"
    })
public final class SecretCommand implements Callable<Integer> {
  private final Console console;

  public SecretCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    try (Secret secret = Secret.generate()) {
      console.print(secret.reveal() + "\n");
    }
    return 0;
  }
}
