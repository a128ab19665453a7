package org.e2llm.planner.cost;

/**
 * A line below the cost of every step of a stage, in what {@link StageCost#seconds} is told of:
 *
 * <pre>
 *   seconds &gt;= fixed + c·promptToken + c·n·promptPosition + b·decodeRow + K·cachedToken
 *              + (r &gt; 0 ? head + r·logitRow : 0)
 * </pre>
 *
 * Since it is a line, it says what a request costs at least however its work is spread over steps
 * and whatever shares these with it. All coefficients are at least 0.
 */
public record StepFloor(
    double fixed,
    double promptToken,
    double promptPosition,
    double decodeRow,
    double cachedToken,
    double head,
    double logitRow) {

  /** No time at all. */
  public static final StepFloor ZERO = new StepFloor(0, 0, 0, 0, 0, 0, 0);

  /** Takes the same time whatever is in it. */
  static StepFloor constant(double seconds) {
    return new StepFloor(seconds, 0, 0, 0, 0, 0, 0);
  }

  /** This one so many times, and another: below the same combination of the two costs. */
  public StepFloor plus(double weight, StepFloor other) {
    return new StepFloor(
        fixed + weight * other.fixed,
        promptToken + weight * other.promptToken,
        promptPosition + weight * other.promptPosition,
        decodeRow + weight * other.decodeRow,
        cachedToken + weight * other.cachedToken,
        head + weight * other.head,
        logitRow + weight * other.logitRow);
  }

  /** Prompt tokens that attend to so many positions in all, without what is fixed. */
  public double prompt(double tokens, double positions) {
    return tokens * promptToken + positions * promptPosition;
  }

  /** What is fixed in a step that gives tokens. */
  public double fixedWithHead() {
    return fixed + head;
  }

  /** A session's token in a decode step, without what is fixed. */
  public double token(double cached) {
    return decodeRow + logitRow + cached * cachedToken;
  }
}
