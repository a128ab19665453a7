package org.e2llm.transport.stage;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.Arrays;

/** Any bytes are a payload or a typed error: no other exception, no memory beyond their size. */
class StageFramesFuzzTest {
  /** The first byte says what the rest is read as. */
  @FuzzTest
  void anyBytesAreReadOrRefused(byte[] data) {
    if (data.length > 0) {
      int kind = (data[0] & 0xff) % StageFrameReading.KINDS;
      StageFrameReading.read(kind, Arrays.copyOfRange(data, 1, data.length));
    }
  }
}
