package org.e2llm.transport.wire;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import org.e2llm.E2llmException;

/**
 * Any bytes, however cut, are frames and fields or a typed error: no other exception, no hang, no
 * memory beyond what has arrived.
 */
class FrameFuzzTest {
  private static final int CHUNK = 256;

  /** The first byte says how the rest is cut; what comes out as a payload is read as fields. */
  @FuzzTest
  void anyBytesAreReadOrRefused(byte[] data) {
    if (data.length == 0) {
      return;
    }
    int step = Math.max(1, data[0] & 0xff);
    FrameReader reader = new FrameReader(FrameLimits.proven(), CHUNK);
    try {
      for (int at = 1; at < data.length; ) {
        ByteBuffer space = reader.space();
        int n = Math.min(Math.min(step, data.length - at), space.remaining());
        space.put(data, at, n);
        at += n;
        while (reader.next()) {
          readFields(reader.payload());
        }
        if (reader.capacity() > 2 * (data.length + 2 * CHUNK)) {
          throw new AssertionError(
              reader.capacity() + " bytes of memory for " + data.length + " that came");
        }
      }
    } catch (E2llmException expected) {
      if (expected.getMessage() == null) {
        throw new AssertionError("an error without a message", expected);
      }
    }
  }

  /** Each byte says which field is next. */
  private static void readFields(ByteBuffer payload) {
    FieldReader in = new FieldReader(payload);
    while (in.remaining() > 0) {
      switch (in.u8("kind") % 10) {
        case 0 -> in.u16("u16");
        case 1 -> in.i32("i32", -5, 5);
        case 2 -> in.i64("i64", 0, Long.MAX_VALUE);
        case 3 -> in.f64("f64");
        case 4 -> in.string("string");
        case 5 -> in.address("address");
        case 6 -> in.bool("bool");
        case 7 -> in.choice("choice", Thread.State.values());
        case 8 -> in.view("view", in.u16("view"));
        default -> {
          int[] allocated = new int[in.count("count", 4)];
          for (int i = 0; i < allocated.length; i++) {
            allocated[i] = in.i32("element");
          }
        }
      }
    }
    in.end("payload");
  }
}
