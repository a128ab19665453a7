package org.e2llm.transport;

import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.DeviceSpeed;
import org.jspecify.annotations.Nullable;

/**
 * How fast this device is, as others are told for their plans. Measured when it joins, which may be
 * too early, and changes: a device that gets hot becomes slower. Then steps show it: where they
 * take more or less than predicted, by a quarter and for five seconds with such steps, what they
 * depend on is corrected, at most every half minute. Decode steps and those of prompts are judged
 * apart. Pure; all times are nanoseconds of one clock.
 */
final class SpeedBook {
  private static final long SECOND = 1_000_000_000L;

  /** Seconds with steps that have to agree. */
  private static final int LASTING = 5;

  private static final long REST = 30 * SECOND;

  /** What steps of one kind say. */
  private static final class Drift {
    private int agreeing;
    private double sum;
    private long restsUntil = Long.MIN_VALUE;

    /** How many times the time predicted they take; 1 as long as there is nothing to correct. */
    double observe(double residual, long now) {
      if (residual == 0) {
        return 1; // none in this second
      }
      if (!moved(residual)) {
        agreeing = 0;
        return 1;
      }
      boolean other = agreeing > 0 && sum / agreeing > 1 != residual > 1;
      sum = agreeing == 0 || other ? residual : sum + residual;
      agreeing = other ? 1 : agreeing + 1;
      if (agreeing < LASTING || now < restsUntil) {
        return 1;
      }
      double slower = sum / agreeing;
      agreeing = 0;
      restsUntil = now + REST;
      return slower;
    }
  }

  private DeviceProfile profile;
  private DeviceProfile lastMeasured;
  private Drift decodes = new Drift();
  private Drift prompts = new Drift();

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
   * A second has passed.
   *
   * @param residuals of the steps in it, by what {@link #profile} predicts
   * @return the profile from now on, if it has changed
   */
  @Nullable DeviceProfile observe(StageReports.Residuals residuals, long now) {
    double decode = decodes.observe(residuals.decodes(), now);
    double prompt = prompts.observe(residuals.prompts(), now);
    if (decode == 1 && prompt == 1) {
      return null;
    }
    profile =
        profile.withSpeed(
            profile.prefillFlops() / prompt,
            profile.decodeFlops() / decode,
            profile.memoryBandwidth() / decode,
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
    decodes = new Drift();
    prompts = new Drift();
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
