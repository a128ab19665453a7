package org.e2llm.transport.cluster;

import java.nio.charset.StandardCharsets;
import org.e2llm.InvalidRequestException;

/**
 * How much one peer may make another remember. A record or plan beyond these is refused where it is
 * made and where it is read.
 */
final class Limits {
  /** Peers of one cluster, present or remembered. */
  static final int PEERS = 128;

  static final int ADDRESSES = 32;

  /** Bytes of a peer's details: profile, links, wishes. */
  static final int DETAILS = 16 << 10;

  /** Bytes of a plan. */
  static final int PLAN = 512 << 10;

  /** UTF-8 bytes of an id, a hash or an address. */
  static final int TOKEN = 256;

  /** UTF-8 bytes of what a person reads. */
  static final int TEXT = 1024;

  /**
   * Greatest counter, incarnation or revision: there is always room to go one up, and every JSON
   * reader can hold it.
   */
  static final long COUNT = 1L << 53;

  private Limits() {}

  static void check(String what, long count) {
    if (count < 0 || count > COUNT) {
      throw new InvalidRequestException(
          what + " is " + count + ", expected is a number from 0 to 2^53");
    }
  }

  static void atMost(String what, int found, int most) {
    if (found > most) {
      throw new InvalidRequestException(what + ": " + found + ", at most " + most + " are allowed");
    }
  }

  static void token(String what, String text) {
    if (text.isEmpty()) {
      throw new InvalidRequestException(what + " is empty");
    }
    text(what, text, TOKEN);
  }

  static void text(String what, String text, int most) {
    // Most texts are short enough whatever they are made of; encoding them would be a waste.
    if (text.length() * 3 > most) {
      atMost("bytes of " + what, text.getBytes(StandardCharsets.UTF_8).length, most);
    }
  }
}
