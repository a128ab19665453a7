package org.e2llm.plan;

import org.jspecify.annotations.Nullable;

/**
 * How a device reaches the others where no pair was measured.
 *
 * @param bytesPerSecond what it can send and, at the same time, receive
 * @param latencySeconds one way, to a device of the same kind
 * @param medium the name of the medium it shares with all that name the same (a Wi-Fi channel: one
 *     transfer at a time), or null where it is switched
 */
public record Nic(double bytesPerSecond, double latencySeconds, @Nullable String medium) {
  /** 1 GbE behind a switch: 117 MB/s of payload, 0.3 ms. */
  public static final Nic GIGABIT_ETHERNET = new Nic(117e6, 0.3e-3, null);

  /** Wi-Fi at home: 30 MB/s of payload, 3 ms, one medium for everybody on it. */
  public static final Nic WIFI = new Nic(30e6, 3e-3, "wifi");

  public Nic {
    Check.positive("network interface", "bytesPerSecond", bytesPerSecond);
    Check.notNegative("network interface", "latencySeconds", latencySeconds);
    if (medium != null) {
      Check.notBlank("network interface", "medium", medium);
    }
  }
}
