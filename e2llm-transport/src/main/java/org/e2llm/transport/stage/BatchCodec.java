package org.e2llm.transport.stage;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.pipeline.Batch;
import org.e2llm.plan.HiddenType;
import org.e2llm.transport.wire.FieldReader;

/**
 * A batch of hidden states between two stages.
 *
 * <pre>
 *  u64 ring   u32 step   u32 slices   u32 width
 *  per slice  u64 session   u32 epoch   u32 start   u32 length   u32 logits (0 none, 1 last, 2 all)
 *  hidden states, see {@link HiddenCodec}
 * </pre>
 *
 * With the frame's header 56 bytes for one slice besides the hidden states.
 */
final class BatchCodec {
  static final int HEAD = 20;
  static final int SLICE = 24;
  private static final Batch.Logits[] LOGITS = Batch.Logits.values();

  private BatchCodec() {}

  static int bytes(HiddenType type, int slices, int rows, int width) {
    int hidden = Math.multiplyExact(rows, HiddenCodec.rowBytes(type, width));
    return Math.addExact(HEAD + slices * SLICE, hidden);
  }

  /** Fills {@code out} from 0 and flips it. */
  static void write(
      ByteBuffer out, Ring ring, int step, List<Batch.Slice> slices, float[] hidden, int width) {
    out.order(ByteOrder.LITTLE_ENDIAN);
    ((Buffer) out).clear();
    out.putLong(ring.id()).putInt(step).putInt(slices.size()).putInt(width);
    int rows = 0;
    for (int i = 0; i < slices.size(); i++) {
      Batch.Slice slice = slices.get(i);
      out.putLong(slice.session()).putInt(slice.epoch()).putInt(slice.start());
      out.putInt(slice.length()).putInt(slice.logits().ordinal());
      rows += slice.length();
    }
    HiddenCodec.put(out, ring.hidden(), hidden, rows, width);
    ((Buffer) out).flip();
  }

  /**
   * What follows ring and step.
   *
   * @param type of the hidden states
   * @param maxRows the most rows a batch may have here
   * @param width floats per row that are expected
   * @param into holds maxRows × width floats
   */
  static Batch read(FieldReader in, HiddenType type, int maxRows, int width, float[] into) {
    int count = in.count("batch.slices", SLICE, maxRows);
    in.i32("batch.width", width, width);
    List<Batch.Slice> slices = new ArrayList<>(count);
    int rows = 0;
    for (int i = 0; i < count; i++) {
      long session = in.i64("slice.session");
      int epoch = in.i32("slice.epoch", 0, Integer.MAX_VALUE);
      int start = in.i32("slice.start", 0, Integer.MAX_VALUE);
      int length = in.i32("slice.length", 1, maxRows - rows);
      Batch.Logits logits = LOGITS[in.i32("slice.logits", 0, LOGITS.length - 1)];
      slices.add(new Batch.Slice(session, epoch, start, length, logits));
      rows += length;
    }
    if (rows == 0) {
      throw new ProtocolException("a batch without rows");
    }
    int bytes = Math.multiplyExact(rows, HiddenCodec.rowBytes(type, width));
    ByteBuffer hidden = in.view("batch.hidden", bytes);
    in.end("batch");
    HiddenCodec.get(hidden, type, into, rows, width);
    return Batch.ofHidden(slices, into, width);
  }
}
