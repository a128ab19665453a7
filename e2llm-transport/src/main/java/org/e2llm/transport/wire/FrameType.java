package org.e2llm.transport.wire;

/**
 * The ranges of frame types, and the types of the connection itself. The types of the other ranges
 * stand with the messages they carry.
 *
 * <pre>
 *  0x01-0x0f  connection             both lanes
 *  0x10-0x1f  membership and plans   HOT
 *  0x20-0x2f  sessions and stages    HOT
 *  0x30-0x3f  slices                 BULK
 *  0x40-0x47  KV                     BULK
 *  0x48-0x4f  what steers KV         HOT
 * </pre>
 */
public final class FrameType {
  /** A nonce of 32 bytes; opens the proof. */
  public static final byte CHALLENGE = 0x01;

  /** Nonce (server only) and the HMAC that proves the secret. */
  public static final byte PROOF = 0x02;

  /** Who a proven peer is and what it wants. */
  public static final byte HELLO = 0x03;

  /** Instead of a hello: why there is none. */
  public static final byte REFUSED = 0x04;

  /** u64 that comes back in a {@link #PONG}. */
  public static final byte PING = 0x05;

  public static final byte PONG = 0x06;

  /** The last frame of an orderly end; a string, the reason. */
  public static final byte BYE = 0x07;

  /** Filler of a measurement: u8 1 for the last one, then bytes without a meaning. */
  public static final byte PROBE = 0x08;

  /** What the receiver of a measurement saw: u64 bytes, u64 nanoseconds. */
  public static final byte PROBE_RESULT = 0x09;

  /** Asks the peer to open a TCP connection to u16 port of this device. */
  public static final byte DIAL_BACK = 0x0a;

  /** How that went: u8 outcome, string details. */
  public static final byte DIALLED_BACK = 0x0b;

  public static final byte CONNECTION_FIRST = 0x01;
  public static final byte CLUSTER_FIRST = 0x10;
  public static final byte SESSION_FIRST = 0x20;
  public static final byte SLICE_FIRST = 0x30;
  public static final byte KV_FIRST = 0x40;
  public static final byte END = 0x50;

  private FrameType() {}

  /** For messages: {@code 0x2a}. */
  public static String name(int type) {
    return "0x" + Character.forDigit(type >> 4 & 15, 16) + Character.forDigit(type & 15, 16);
  }
}
