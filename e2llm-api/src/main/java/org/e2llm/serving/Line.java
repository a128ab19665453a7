package org.e2llm.serving;

/**
 * A straight line through points that were seen, of which new ones count more: weighted least
 * squares.
 *
 * <p>Where all lie at about the same place, nothing tells how steep it is; then it is the one
 * through {@code (-offset, 0)}. It never falls, and never passes below zero at zero.
 */
final class Line {
  /** What was seen counts so much less with every point: some twenty of them count. */
  private static final double KEPT = 0.95;

  /** How far apart points have to lie, against their mean squared, to tell how steep it is. */
  private static final double SPREAD = 0.01;

  private final double offset;
  private double weight;
  private double sumX;
  private double sumY;
  private double sumXx;
  private double sumXy;

  /** Nothing seen. */
  Line(double offset) {
    this.offset = offset;
  }

  void see(double x, double y) {
    weight = KEPT * weight + 1;
    sumX = KEPT * sumX + x;
    sumY = KEPT * sumY + y;
    sumXx = KEPT * sumXx + x * x;
    sumXy = KEPT * sumXy + x * y;
  }

  boolean isKnown() {
    return weight > 0;
  }

  /** 0 if nothing was seen. */
  double slope() {
    if (!isKnown()) {
      return 0;
    }
    double x = sumX / weight;
    double y = sumY / weight;
    double prior = SPREAD * x * x;
    double varies = Math.max(0, sumXx / weight - x * x);
    double steep = sumXy / weight - x * y + prior * y / (offset + x);
    return Math.max(0, Math.min(y / x, steep / (varies + prior)));
  }

  /** At a point above 0; 0 if nothing was seen. */
  double at(double x) {
    return isKnown() ? sumY / weight + slope() * (x - sumX / weight) : 0;
  }
}
