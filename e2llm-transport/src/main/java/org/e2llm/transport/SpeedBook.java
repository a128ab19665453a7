package org.e2llm.transport;

import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.DeviceSpeed;
import org.jspecify.annotations.Nullable;

/**
 * How fast this device is, as others are told for their plans. Measured when it joins, which may be
 * too early: a JVM that has just started, on a busy device, has not compiled its kernels. Then
 * decode steps show it: where they take more or less than predicted, by a quarter and for five
 * seconds of decoding, what decoding depends on is corrected, at most every half minute. Pure; all
 * times are nanoseconds of one clock.
 */
final class SpeedBook {
  private static final long SECOND = 1_000_000_000L;

  /** Seconds with decode steps that have to agree. */
  private static final int LASTING = 5;

  private static final long REST = 30 * SECOND;

  private DeviceProfile profile;
  private DeviceProfile lastMeasured;
  private int agreeing;
  private double sum;
  private long restsUntil = Long.MIN_VALUE;

  /** Begins with what was measured. */
  SpeedBook(DeviceProfile measured) {
    profile = measured;
    lastMeasured = measured;
  }

  /** What plans should reckon with. */
  DeviceProfile profile() {
    return profile;
  }

  /**
   * A second with decode steps has passed.
   *
   * @param residual time that they took over the time predicted from {@link #profile}
   * @return the profile from now on, if it has changed
   */
  @Nullable DeviceProfile observe(double residual, long now) {
    if (!(residual > 0) || !moved(residual)) {
      agreeing = 0;
      return null;
    }
    boolean other = agreeing > 0 && sum / agreeing > 1 != residual > 1;
    sum = agreeing == 0 || other ? residual : sum + residual;
    agreeing = other ? 1 : agreeing + 1;
    if (agreeing < LASTING || now < restsUntil) {
      return null;
    }
    double slower = sum / agreeing;
    agreeing = 0;
    restsUntil = now + REST;
    profile =
        profile.withSpeed(
            profile.prefillFlops(),
            profile.decodeFlops() / slower,
            profile.memoryBandwidth() / slower,
            profile.stepSeconds());
    return profile;
  }

  /**
   * It was measured once more. What is much like the measurement before says nothing new, whatever
   * was corrected meanwhile.
   *
   * @return the profile from now on, if it has changed
   */
  @Nullable DeviceProfile measured(DeviceSpeed speed) {
    if (!moved(speed.prefillFlops() / lastMeasured.prefillFlops())
        && !moved(speed.decodeFlops() / lastMeasured.decodeFlops())
        && !moved(speed.memoryBandwidth() / lastMeasured.memoryBandwidth())) {
      return null;
    }
    agreeing = 0;
    profile =
        profile.withSpeed(
            speed.prefillFlops(),
            speed.decodeFlops(),
            speed.memoryBandwidth(),
            speed.stepSeconds());
    lastMeasured = profile;
    return profile;
  }

  /** Whether plans should know of the difference. */
  private static boolean moved(double ratio) {
    return Math.max(ratio, 1 / ratio) > 1 + LinkBook.MOVED;
  }
}
