package org.e2llm.plan;

/** Watches planning, and can end it. Called on the thread that plans. */
public interface PlanListener {
  /** Watches nothing. */
  PlanListener NONE = new PlanListener() {};

  /** Asked often; once true, planning ends with {@link org.e2llm.PlanCancelledException}. */
  default boolean isCancelled() {
    return false;
  }

  /**
   * Told what part is done.
   *
   * @param done from 0 to 1, never less than before
   */
  default void progress(double done) {}
}
