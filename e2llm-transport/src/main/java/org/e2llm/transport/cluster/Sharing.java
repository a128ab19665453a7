package org.e2llm.transport.cluster;

/** Whether a peer lends its device to the cluster. */
public enum Sharing {
  /** It hosts a stage if the plan gives it one. */
  ACTIVE,
  /** It would, but its app has taken it out for now. */
  PAUSED,
  /** It only calls. */
  NONE
}
