package org.e2llm.cluster;

/**
 * A peer holds the secret but wants something else than this one: another cluster name, another
 * model, another cluster-wide setting.
 */
public class ClusterMismatchException extends ClusterException {
  private static final long serialVersionUID = 1L;

  private final String subject;
  private final String ours;
  private final String theirs;

  /**
   * Names both sides.
   *
   * @param subject what differs, in words: {@code cluster name}, {@code model}, {@code setting
   *     kvType}
   * @param ours what this peer has
   * @param theirs what the other peer has
   */
  public ClusterMismatchException(String subject, String ours, String theirs) {
    super(
        "The peer has "
            + subject
            + " \""
            + theirs
            + "\", here it is \""
            + ours
            + "\". Give both the same, or let them form clusters of their own.");
    this.subject = subject;
    this.ours = ours;
    this.theirs = theirs;
  }

  public String subject() {
    return subject;
  }

  public String ours() {
    return ours;
  }

  public String theirs() {
    return theirs;
  }
}
