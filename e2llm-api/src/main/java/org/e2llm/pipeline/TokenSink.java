package org.e2llm.pipeline;

import org.e2llm.text.Sampled;

/** Takes sampled tokens to the caller they are for. Called on the thread that samples: quick. */
@FunctionalInterface
public interface TokenSink {
  /**
   * A token was sampled.
   *
   * @param position absolute, so that one that comes twice is known
   */
  void sampled(Caller caller, int position, Sampled token);
}
