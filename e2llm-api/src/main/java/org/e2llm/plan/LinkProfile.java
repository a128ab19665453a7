package org.e2llm.plan;

import org.jspecify.annotations.Nullable;

/**
 * What a pair of devices can send each other, the same both ways.
 *
 * @param a id of one device
 * @param b id of the other
 * @param bytesPerSecond of payload; 0 if nothing gets through
 * @param latencySeconds one way
 * @param medium the shared medium that it crosses, or null
 */
public record LinkProfile(
    String a, String b, double bytesPerSecond, double latencySeconds, @Nullable String medium) {
  public LinkProfile {
    Check.notBlank("link", "a", a);
    Check.notBlank("link", "b", b);
    String owner = "link " + a + " - " + b;
    if (a.equals(b)) {
      throw Check.invalid(owner, "b", b, "another device");
    }
    Check.notNegative(owner, "bytesPerSecond", bytesPerSecond);
    Check.notNegative(owner, "latencySeconds", latencySeconds);
    if (medium != null) {
      Check.notBlank(owner, "medium", medium);
    }
  }

  /** A pair that was tried and cannot reach each other. */
  public static LinkProfile none(String a, String b) {
    return new LinkProfile(a, b, 0, 0, null);
  }

  public boolean connected() {
    return bytesPerSecond > 0;
  }

  /** Seconds until {@code bytes} have arrived on an idle link; infinite if nothing gets through. */
  public double seconds(double bytes) {
    return latencySeconds + bytes / bytesPerSecond;
  }
}
