package org.e2llm.transport.net;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import org.e2llm.E2llmException;
import org.e2llm.cluster.Secret;
import org.e2llm.transport.wire.FieldReader;

/** Whatever a stranger says, and whatever a member says as its hello: typed errors, no more. */
class HandshakeFuzzTest {
  private static final Secret SECRET = Secret.generate();
  private static final SecureRandom RANDOM = new SecureRandom();

  /** The first bytes say which side listens and where frames are cut. */
  @FuzzTest
  void anyWordsAreUnderstoodOrRefused(byte[] data) {
    if (data.length < 2) {
      return;
    }
    Greeting mine = new Greeting(Hello.of("kitchen", "fuzz"), Lane.HOT, 1, 2);
    Handshake handshake =
        new Handshake(SECRET, (data[0] & 1) == 1, new byte[32], new byte[32], mine, RANDOM);
    int length = (data[0] & 0xff) >> 1;
    try {
      for (int at = 1; at < data.length; at += length + 1) {
        ByteBuffer payload =
            ByteBuffer.wrap(data, at + 1, Math.min(length, data.length - at - 1)).slice();
        if (handshake.received(data[at], payload, (type, out) -> out.remaining()) != null) {
          throw new AssertionError("a stranger got through");
        }
      }
    } catch (E2llmException expected) {
      check(expected);
    }
    try {
      Greeting greeting = Greeting.read(new FieldReader(ByteBuffer.wrap(data)));
      Refusal refusal = Refusal.between(mine.hello(), greeting.hello());
      if (refusal != null) {
        check(refusal.toException(true));
      }
    } catch (E2llmException expected) {
      check(expected);
    }
    try {
      check(Refusal.read(new FieldReader(ByteBuffer.wrap(data))).toException(false));
    } catch (E2llmException expected) {
      check(expected);
    }
  }

  private static void check(E2llmException error) {
    if (error.getMessage() == null) {
      throw new AssertionError("an error without a message", error);
    }
  }
}
