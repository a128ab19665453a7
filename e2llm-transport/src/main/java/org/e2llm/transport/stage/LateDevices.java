package org.e2llm.transport.stage;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.e2llm.plan.StagePlan;

/**
 * Devices at which rings broke because they were late. The next ring with such a device waits
 * longer: if it is only slow, it is found out what it takes instead of being given up for ever.
 *
 * <p>A pure state machine; times are nanoseconds since any fixed moment. Thread-safe.
 */
final class LateDevices {
  /** How much longer, each time. */
  static final int LONGER = 4;

  static final int LONGEST = LONGER * LONGER;

  /** After so long without another time it begins anew. */
  static final long FORGOTTEN = TimeUnit.MINUTES.toNanos(10);

  private record Late(int patience, long at) {}

  private final Map<String, Late> devices = new HashMap<>();

  /** A ring broke at it. */
  synchronized void add(String device, long now) {
    devices.put(device, new Late(Math.min(LONGEST, LONGER * patience(device, now)), now));
  }

  /** How many times longer than usual to wait for a ring's stages. */
  synchronized int patience(Ring ring, long now) {
    int most = 1;
    for (StagePlan stage : ring.stages()) {
      most = Math.max(most, patience(stage.device(), now));
    }
    return most;
  }

  /** All that are remembered. */
  synchronized Set<String> devices() {
    return Set.copyOf(devices.keySet());
  }

  private int patience(String device, long now) {
    Late late = devices.get(device);
    return late == null || now - late.at() >= FORGOTTEN ? 1 : late.patience();
  }
}
