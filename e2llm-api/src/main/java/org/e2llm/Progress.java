package org.e2llm;

/**
 * How far a long step has come.
 *
 * @param phase what is being done
 * @param done units done: milliseconds waited for {@link Phase#FIND}, bytes for {@link Phase#LOAD},
 *     prompt tokens for {@link Phase#PREFILL}
 * @param total units in all
 */
public record Progress(Phase phase, long done, long total) {
  /** The steps that report progress. */
  public enum Phase {
    /** A peer that has the model is waited for. */
    FIND,
    LOAD,
    PREFILL
  }

  /** From 0 to 1. */
  public double fraction() {
    return total <= 0 ? 1 : Math.min(1, (double) done / total);
  }
}
