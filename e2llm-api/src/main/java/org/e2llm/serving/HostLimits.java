package org.e2llm.serving;

import org.e2llm.plan.Slo;

/**
 * What a host has for the sessions that it takes in, and what it keeps in view.
 *
 * @param kvBytes the most that all KV caches together may have
 * @param bytesPerToken KV cache of one position over all layers
 * @param contextLength the most positions of a session
 * @param queueLimit the most sessions that may wait for memory
 * @param slo what requests are to be served in; {@link Slo#NONE} for as soon as possible
 */
public record HostLimits(
    long kvBytes, long bytesPerToken, int contextLength, int queueLimit, Slo slo) {
  public HostLimits {
    if (queueLimit < 0) {
      throw new IllegalArgumentException("queue limit " + queueLimit);
    }
  }

  /** The most tokens of a session, prompt and output together. */
  public int largestSession() {
    return admission().largestSession();
  }

  Admission admission() {
    return new Admission(kvBytes, bytesPerToken, contextLength);
  }
}
