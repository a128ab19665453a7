package org.e2llm.transport.stage;

/**
 * Types of the frames between stages and of those between callers and hosts; hot lane. All numbers
 * little-endian; the classes that write a payload show it.
 */
final class StageFrames {
  // Between the stages of a ring: each payload begins with the ring's id.

  /** Host to every stage, straight: set the ring up. A {@link Ring}. */
  static final byte RING_OPEN = 0x20;

  /**
   * Every later stage to host: it is there. u64 ring, u32 steps that have left it, count, and of
   * each session that it has kept from an earlier ring: string caller's peer, u64 session, u32
   * positions of KV, u32 positions of its journal, u32 capacity, u32 milliseconds that it is still
   * kept once all stages are there; answered by {@link #RING_CLOSE} if the ring is over. Host to
   * stage: all are; how many steps is that now? u64 ring.
   */
  static final byte RING_READY = 0x21;

  /**
   * Any stage to host: the ring cannot be, or cannot go on. Also to the stage before, from a device
   * that does not know the ring. u64 ring, string why.
   */
  static final byte RING_BROKEN = 0x22;

  /** Host to every stage: the ring is over. u64 ring. */
  static final byte RING_CLOSE = 0x23;

  /**
   * Host onwards: u64 ring, u64 session, u32 epoch, u32 capacity, and of one that goes on: its
   * caller, see {@link SamplingCodec}, and a {@link Replay} as u32 length, u32 first, u32 last.
   */
  static final byte SESSION_OPEN = 0x24;

  /** Host to last stage by way of all: how the session samples. See {@link SamplingCodec}. */
  static final byte SESSION_BEGIN = 0x25;

  /** Host onwards: u64 ring, u64 session, u32 length. */
  static final byte SESSION_TRUNCATE = 0x26;

  /**
   * Host onwards: u64 ring, u64 session; without a session: what is kept from earlier rings and has
   * not gone on is not needed any more.
   */
  static final byte SESSION_CLOSE = 0x27;

  /** Stage to next stage. See {@link BatchCodec}. */
  static final byte BATCH = 0x28;

  /** Last stage to host. See {@link ResultsCodec}. */
  static final byte RESULTS = 0x29;

  /**
   * A batch failed at a stage. Goes the way its results would have gone, so that steps end in
   * order: onwards, and from the last stage to the host. u64 ring, u32 step, an error.
   */
  static final byte STEP_FAILED = 0x2a;

  // Between callers and hosts: each payload begins with the caller's session and epoch.

  /** Last stage to caller. See {@link SessionCodec}. */
  static final byte TOKEN = 0x2b;

  /** Caller to host. See {@link SessionCodec}. */
  static final byte SUBMIT = 0x2c;

  /**
   * Caller to host: u64 session, u32 epoch, u8 what, u32 tokens. What is 0 cancel; 1 so many tokens
   * were received; 2 a conversation, whose number takes the session's place, is over; 3 so many
   * tokens were received, and how is the session?
   */
  static final byte NOTICE = 0x2d;

  /** Host to caller: u64 session, u32 epoch, u32 position, u32 cached. */
  static final byte PREFILLED = 0x2e;

  /**
   * Host to caller: u64 session, u32 epoch, u8 how: 0 interrupted, string why; 1 failed, an error;
   * 2 finished, u32 tokens in all; 3 goes on, u32 tokens so far.
   */
  static final byte STATE = 0x2f;

  private StageFrames() {}
}
