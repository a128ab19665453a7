package org.e2llm.transport.stage;

/**
 * Types of the frames between stages and of those between callers and hosts; hot lane. All numbers
 * little-endian; the classes that write a payload show it.
 */
final class StageFrames {
  // Between the stages of a ring: each payload begins with the ring's id.

  /** Host to next stage, and so on to the last: set the ring up. A {@link Ring}. */
  static final byte RING_OPEN = 0x20;

  /** Last stage to host: every stage is there. u64 ring. */
  static final byte RING_READY = 0x21;

  /** Any stage to host: the ring cannot be, or cannot go on. u64 ring, string why. */
  static final byte RING_BROKEN = 0x22;

  /** Host onwards: the ring is over. u64 ring. */
  static final byte RING_CLOSE = 0x23;

  /** Host onwards: u64 ring, u64 session, u32 epoch, u32 capacity. */
  static final byte SESSION_OPEN = 0x24;

  /** Host to last stage by way of all: how the session samples. See {@link SamplingCodec}. */
  static final byte SESSION_BEGIN = 0x25;

  /** Host onwards: u64 ring, u64 session, u32 length. */
  static final byte SESSION_TRUNCATE = 0x26;

  /** Host onwards: u64 ring, u64 session. */
  static final byte SESSION_CLOSE = 0x27;

  /** Stage to next stage. See {@link BatchCodec}. */
  static final byte BATCH = 0x28;

  /** Last stage to host. See {@link ResultsCodec}. */
  static final byte RESULTS = 0x29;

  /** Any stage to host: a batch failed there. u64 ring, u32 step, string why. */
  static final byte STEP_FAILED = 0x2a;

  // Between callers and hosts: each payload begins with the caller's session and epoch.

  /** Last stage to caller. See {@link SessionCodec}. */
  static final byte TOKEN = 0x2b;

  /** Caller to host. See {@link SessionCodec}. */
  static final byte SUBMIT = 0x2c;

  /** Caller to host: u64 session, u32 epoch. */
  static final byte CANCEL = 0x2d;

  /** Host to caller: u64 session, u32 epoch, u32 position. */
  static final byte PREFILLED = 0x2e;

  /**
   * Host to caller: u64 session, u32 epoch, u8 how: 0 interrupted, string why; 1 failed, an error;
   * 2 finished, u32 tokens in all.
   */
  static final byte ENDED = 0x2f;

  private StageFrames() {}
}
