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
 *  hidden states of the rows that the next stage lacks, see {@link BatchRows}, {@link HiddenCodec}
 * </pre>
 *
 * With the frame's header 56 bytes for one slice besides the hidden states.
 */
final class BatchCodec {
  static final int HEAD = 20;
  static final int SLICE = 24;
  private static final Batch.Logits[] LOGITS = Batch.Logits.values();

  private BatchCodec() {}

  /** Of a batch with so many rows of hidden states. */
  static int bytes(HiddenType type, int slices, int rows, int width) {
    int hidden = Math.multiplyExact(rows, HiddenCodec.rowBytes(type, width));
    return Math.addExact(HEAD + slices * SLICE, hidden);
  }

  /**
   * Fills {@code out} from 0 and flips it.
   *
   * @param slices of the whole batch
   * @param rows of them the next stage gets
   * @param hidden of the rows that were computed here
   */
  static void write(
      ByteBuffer out,
      Ring ring,
      int step,
      List<Batch.Slice> slices,
      BatchRows rows,
      float[] hidden,
      int width) {
    out.order(ByteOrder.LITTLE_ENDIAN);
    ((Buffer) out).clear();
    out.putLong(ring.id()).putInt(step).putInt(slices.size()).putInt(width);
    for (int i = 0; i < slices.size(); i++) {
      Batch.Slice slice = slices.get(i);
      out.putLong(slice.session()).putInt(slice.epoch()).putInt(slice.start());
      out.putInt(slice.length()).putInt(slice.logits().ordinal());
    }
    if (rows.isAll()) {
      HiddenCodec.put(out, ring.hidden(), hidden, 0, rows.sent(), width);
    } else {
      int end = 0;
      for (int i = 0; i < slices.size(); i++) {
        end += rows.computed(i);
        HiddenCodec.put(out, ring.hidden(), hidden, end - rows.sent(i), rows.sent(i), width);
      }
    }
    ((Buffer) out).flip();
  }

  /**
   * The slices of a batch, which follow ring and step.
   *
   * @param maxRows the most rows a batch may have here
   * @param width floats per row that are expected
   */
  static List<Batch.Slice> readSlices(FieldReader in, int maxRows, int width) {
    int count = in.count("batch.slices", SLICE, maxRows);
    in.i32("batch.width", width, width);
    List<Batch.Slice> slices = new ArrayList<>(count);
    int rows = 0;
    for (int i = 0; i < count; i++) {
      long session = in.i64("slice.session");
      int epoch = in.i32("slice.epoch", 0, Integer.MAX_VALUE);
      int start = in.i32("slice.start", 0, Integer.MAX_VALUE - maxRows);
      int length = in.i32("slice.length", 1, maxRows - rows);
      Batch.Logits logits = LOGITS[in.i32("slice.logits", 0, LOGITS.length - 1)];
      slices.add(new Batch.Slice(session, epoch, start, length, logits));
      rows += length;
    }
    if (rows == 0) {
      throw new ProtocolException("a batch without rows");
    }
    return slices;
  }

  /** The hidden states of a batch, which end it: so many rows as little-endian bytes. */
  static ByteBuffer readHidden(FieldReader in, HiddenType type, int rows, int width) {
    int bytes = Math.multiplyExact(rows, HiddenCodec.rowBytes(type, width));
    ByteBuffer hidden = in.view("batch.hidden", bytes);
    in.end("batch");
    return hidden;
  }
}
