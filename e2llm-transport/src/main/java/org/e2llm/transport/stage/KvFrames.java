package org.e2llm.transport.stage;

/**
 * Types of the frames that move KV caches from one replica to another. All numbers little-endian.
 *
 * <p>A <i>hand-off</i> has a random number, which its DECODE host draws: what carries another
 * number, such as of an attempt before, concerns nobody. Pieces go over lane BULK; the small frames
 * that steer them over HOT, so that none waits behind bytes.
 */
final class KvFrames {
  /** Prompt stage to decode stage, lane BULK: some positions. See {@link KvCodec#writePiece}. */
  static final byte KV_PIECE = 0x40;

  // Along a ring, host to next stage and so on, as those of a session in StageFrames.

  /** To decode stages: take pieces of a session. A {@link KvCodec.Expect}. */
  static final byte KV_EXPECT = 0x48;

  /** To prompt stages: send the KV of a session as it is computed. A {@link KvCodec.Push}. */
  static final byte KV_PUSH = 0x49;

  // Between the hosts, and from stages to them: each begins with the hand-off's number.

  /** DECODE host to prompt host: compute a prompt. A {@link KvCodec.Prompt}. */
  static final byte PROMPT = 0x4a;

  /** DECODE host to prompt host: that is enough, free it. u64 hand-off. */
  static final byte PROMPT_STOP = 0x4b;

  /** Prompt host to DECODE host: u64 hand-off, u32 positions computed; 0 when it begins. */
  static final byte PROMPT_PROGRESS = 0x4c;

  /** Decode stage to its host: u64 hand-off, u32 first layer of the stage, u32 positions held. */
  static final byte KV_HELD = 0x4d;

  /** Decode stage to prompt stage: u64 hand-off, u32 first layer of a piece, u32 its end. */
  static final byte KV_TAKEN = 0x4e;

  /** Anybody to the DECODE host: nothing more will come. u64 hand-off, string why. */
  static final byte KV_FAILED = 0x4f;

  private KvFrames() {}
}
