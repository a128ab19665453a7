package org.e2llm.transport.cluster;

/**
 * Why a new plan is asked for.
 *
 * @param peer whom it is about
 */
public record Reason(Kind kind, String peer) {
  /** What happened. */
  public enum Kind {
    JOINED,
    LEFT,
    LOST,
    RESTARTED,
    /** It shares, or no longer does. */
    SHARING,
    PROFILE,
    WISH,
    /** It reaches others that it did not, or the other way round. */
    LINKS,
    /** It coordinated and does no more, or took over. */
    COORDINATOR,
    /** It coordinated another part of a split network. */
    MEETING,
    /** The plan forced by its app is withdrawn, or cannot work now. */
    FORCE
  }

  @Override
  public String toString() {
    return kind + " " + peer;
  }
}
