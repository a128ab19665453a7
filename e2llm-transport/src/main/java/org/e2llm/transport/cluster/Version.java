package org.e2llm.transport.cluster;

/**
 * Which of two records of a peer is newer. Only the peer itself makes versions of its record.
 *
 * @param incarnation one per run of the peer's process: the time when it started, or one more than
 *     any that others remember of it
 * @param revision goes up with every change within the run
 */
public record Version(long incarnation, long revision) implements Comparable<Version> {
  public Version {
    Limits.check("incarnation", incarnation);
    Limits.check("revision", revision);
  }

  @Override
  public int compareTo(Version other) {
    return incarnation != other.incarnation
        ? Long.compare(incarnation, other.incarnation)
        : Long.compare(revision, other.revision);
  }
}
