package org.e2llm.planner.simulator;

import org.e2llm.InvalidRequestException;
import org.jspecify.annotations.Nullable;

/**
 * Something that goes wrong, or right again.
 *
 * @param seconds when
 * @param kind what
 * @param device whose
 * @param other the other end of a link
 * @param slowness by how much all transfers between the two take longer than before the first fault
 */
public record Fault(
    double seconds, Kind kind, String device, @Nullable String other, double slowness) {
  /** What can happen. */
  public enum Kind {
    /** The device is gone; everybody notices at once. */
    LEAVE,
    /** The device stands still; after a while it counts as gone. */
    FREEZE,
    /** It is there again: empty, or going on if nobody had noticed. */
    RETURN,
    /** A link changes its speed. */
    SLOW_LINK
  }

  public Fault {
    if (!(seconds >= 0) || !(slowness > 0) || Double.isInfinite(seconds + slowness)) {
      throw new InvalidRequestException(
          kind + " of " + device + " at " + seconds + " s, slowness " + slowness);
    }
    if ((kind == Kind.SLOW_LINK) != (other != null)) {
      throw new InvalidRequestException(kind + " of " + device + " with other end " + other);
    }
  }

  public static Fault leave(double seconds, String device) {
    return new Fault(seconds, Kind.LEAVE, device, null, 1);
  }

  public static Fault freeze(double seconds, String device) {
    return new Fault(seconds, Kind.FREEZE, device, null, 1);
  }

  public static Fault comeBack(double seconds, String device) {
    return new Fault(seconds, Kind.RETURN, device, null, 1);
  }

  /** {@code slowness} 4 makes the link take four times as long; 1 mends it. */
  public static Fault slowLink(double seconds, String a, String b, double slowness) {
    return new Fault(seconds, Kind.SLOW_LINK, a, b, slowness);
  }
}
