package org.e2llm.cluster;

/** A connection ended because one of its two sides said so. */
public class ConnectionClosedException extends ClusterException {
  private static final long serialVersionUID = 1L;

  private final boolean byPeer;
  private final String reason;

  /**
   * Says who ended it and why.
   *
   * @param byPeer true if the other side did, false if this one
   * @param reason in words, as that side gave it
   */
  public ConnectionClosedException(boolean byPeer, String reason) {
    super((byPeer ? "The peer closed the connection: " : "Closed here: ") + reason);
    this.byPeer = byPeer;
    this.reason = reason;
  }

  public boolean byPeer() {
    return byPeer;
  }

  public String reason() {
    return reason;
  }
}
