package org.e2llm.samples.console;

import org.e2llm.E2llm;
import picocli.CommandLine.Option;

/** The option that limits prompt and answer together. */
public final class ContextOption {
  @Option(
      names = {"-c", "--context"},
      paramLabel = "N",
      description =
          "Most tokens of prompt and answer; default: the cluster's, or the model's own limit, at"
              + " most 4096.")
  private int context;

  public E2llm.Builder apply(E2llm.Builder builder) {
    return context == 0 ? builder : builder.context(context);
  }
}
