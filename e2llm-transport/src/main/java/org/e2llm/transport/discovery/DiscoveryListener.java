package org.e2llm.transport.discovery;

/** Hears of candidates. Must not block; what it throws is logged and forgotten. */
public interface DiscoveryListener {
  void found(Candidate candidate);

  /** Addresses or port have changed; the key has not. */
  void updated(Candidate candidate);

  /**
   * The candidate has said goodbye or its announcement has run out. It may be there all the same
   * (multicast gets lost, Wi-Fi most of all): whoever is connected to it stays so.
   */
  void gone(Candidate candidate);

  /**
   * Somebody announces another tag: a peer of another cluster, or one with another secret. Once for
   * each, and for a few dozen at most.
   */
  default void stranger(Candidate candidate) {}
}
