package org.e2llm.serving;

/**
 * What a step takes, learned from steps: one line over the rows that decode, and one over prompt
 * rows. A step of both takes at least what each of them lets expect with the other's rows added.
 *
 * <pre>
 *   decode(d)    = a + b·d
 *   prompt(p)    = e + f·p
 *   step(p, d)   = max( prompt(p) + b·d , decode(d) + f·p )
 * </pre>
 *
 * Deterministic, without a clock. Not thread-safe.
 */
final class StepTimes {
  /** Half of a step of one row reads weights, as long as nothing else was seen. */
  private final Line decode = new Line(1);

  private final Line prompt = new Line(0);

  /** A step of so many rows took so long. */
  void see(int promptRows, int decodeRows, double seconds) {
    if (promptRows == 0) {
      decode.see(decodeRows, seconds);
    } else {
      double own = seconds - decode.slope() * decodeRows;
      prompt.see(promptRows, Math.max(0, own));
    }
  }

  boolean knowsDecode() {
    return decode.isKnown();
  }

  /** 0 for what is not known. */
  double seconds(int promptRows, int decodeRows) {
    if (promptRows == 0) {
      return decodeRows == 0 ? 0 : decode.at(decodeRows);
    }
    double alone = prompt.at(promptRows) + decode.slope() * decodeRows;
    return decodeRows == 0
        ? alone
        : Math.max(alone, decode.at(decodeRows) + prompt.slope() * promptRows);
  }
}
