package org.e2llm.plan;

import org.e2llm.InvalidRequestException;

/** Refuses values that cannot be a size, a time or a speed, naming what they belong to. */
final class Check {
  private Check() {}

  /** A finite number above zero. */
  static void positive(String owner, String what, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw invalid(owner, what, value, "a finite number above 0");
    }
  }

  /** A finite number, zero or above. */
  static void notNegative(String owner, String what, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw invalid(owner, what, value, "a finite number of at least 0");
    }
  }

  static void notBlank(String owner, String what, String value) {
    if (value.isBlank()) {
      throw invalid(owner, what, "\"" + value + "\"", "a text that is not blank");
    }
  }

  static InvalidRequestException invalid(String owner, String what, Object found, String expected) {
    return new InvalidRequestException(
        owner + ": " + what + " is " + found + ", expected is " + expected);
  }
}
