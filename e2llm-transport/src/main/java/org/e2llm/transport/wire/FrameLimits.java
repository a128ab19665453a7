package org.e2llm.transport.wire;

import java.util.Arrays;

/**
 * The longest payload in bytes for each type of frame. A type without a limit is not accepted at
 * all. Immutable.
 */
public final class FrameLimits {
  private static final int REFUSED = -1;
  private static final int KIB = 1 << 10;
  private static final int MIB = 1 << 20;

  private final int[] limits;

  private FrameLimits(int[] limits) {
    this.limits = limits;
  }

  /** Nothing is accepted; a start for {@link #with}. */
  public static FrameLimits none() {
    int[] limits = new int[256];
    Arrays.fill(limits, REFUSED);
    return new FrameLimits(limits);
  }

  /** Until a peer has proven the secret and said hello: little, and only what that takes. */
  public static FrameLimits unproven() {
    return none()
        .with(FrameType.CHALLENGE, 64)
        .with(FrameType.PROOF, 128)
        .with(FrameType.HELLO, 12 * KIB)
        .with(FrameType.REFUSED, 4 * KIB);
  }

  /**
   * For peers of the cluster. 64 MiB hold the hidden states of 2048 tokens of 8192 floats, and the
   * KV of as many.
   */
  public static FrameLimits proven() {
    FrameLimits limits =
        none()
            .with(FrameType.REFUSED, 4 * KIB)
            .with(FrameType.PING, 8)
            .with(FrameType.PONG, 8)
            .with(FrameType.BYE, 2 + FieldWriter.MAX_STRING_BYTES)
            .with(FrameType.PROBE, 64 * KIB)
            .with(FrameType.PROBE_RESULT, 16)
            .with(FrameType.DIAL_BACK, 2)
            .with(FrameType.DIALLED_BACK, 3 + FieldWriter.MAX_STRING_BYTES);
    return limits
        .range(FrameType.CLUSTER_FIRST, FrameType.SESSION_FIRST, 4 * MIB)
        .range(FrameType.SESSION_FIRST, FrameType.SLICE_FIRST, 64 * MIB)
        .range(FrameType.SLICE_FIRST, FrameType.KV_FIRST, 4 * MIB)
        .range(FrameType.KV_FIRST, FrameType.END, 64 * MIB);
  }

  /** The same with another limit for one type. */
  public FrameLimits with(byte type, int maxPayloadBytes) {
    return range(type & 0xff, (type & 0xff) + 1, maxPayloadBytes);
  }

  /** Bytes a payload of this type (0-255) may have, or a negative number if it is refused. */
  public int of(int type) {
    return limits[type];
  }

  private FrameLimits range(int from, int to, int maxPayloadBytes) {
    if (maxPayloadBytes < 0) {
      throw new IllegalArgumentException("a limit of " + maxPayloadBytes + " bytes");
    }
    int[] changed = limits.clone();
    Arrays.fill(changed, from, to, maxPayloadBytes);
    return new FrameLimits(changed);
  }
}
