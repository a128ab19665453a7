package org.e2llm.samples.cluster;

import java.time.Duration;
import org.e2llm.cluster.Share;
import picocli.CommandLine.Option;

/** How long a stage keeps a core busy while it waits. */
final class PollingOption {
  @Option(
      names = "--polling",
      paramLabel = "MS",
      description =
          "Milliseconds for which a stage here that waits for its next batch keeps a core busy"
              + " before it sleeps; about what the other stages take for a token makes few sessions"
              + " faster; default: 0.")
  private int millis;

  Share apply(Share share) {
    return share.polling(Duration.ofMillis(millis));
  }
}
