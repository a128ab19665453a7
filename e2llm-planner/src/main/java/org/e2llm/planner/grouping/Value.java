package org.e2llm.planner.grouping;

/**
 * What an arrangement that sustains so many requests, each done so soon, is worth to a search.
 *
 * <p>Capacity counts most, since it decides how long requests wait under load. But a slow device
 * may add a hundredth of capacity and double the time of every token: so how soon a request is done
 * weighs too, with a small exponent.
 */
final class Value {
  /** Twice the seconds must be worth 7 % of capacity. */
  private static final double PROMPTNESS = 0.1;

  private Value() {}

  /** StrictMath, so that all devices of a cluster find the same plan. */
  static double of(double requestsPerSecond, double secondsPerRequest) {
    return requestsPerSecond * StrictMath.pow(secondsPerRequest, -PROMPTNESS);
  }
}
