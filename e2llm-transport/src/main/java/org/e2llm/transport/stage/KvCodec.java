package org.e2llm.transport.stage;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.KvBlock;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.StagePlan;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;

/**
 * What KV hand-offs say.
 *
 * <pre>
 *  expect   u64 ring   u64 session   u64 hand-off   u32 from   u32 to   u8 type
 *  push     the same, then the stages that take it
 *  prompt   u64 hand-off   u32 from   u8 type   the stages that take it   tokens
 *  piece    u64 hand-off   u8 type   u32 first layer   u32 end   u32 first position   u32 end
 *           per layer: rows of keys, then rows of values
 * </pre>
 *
 * Stages as in a {@link Ring}, tokens as in {@link SamplingCodec}, rows as in {@link HiddenCodec}.
 * Rows in the cache's own type are what the cache has, bit for bit.
 */
final class KvCodec {
  private static final int PIECE_HEAD = 25;
  private static final KvType[] TYPES = KvType.values();

  private KvCodec() {}

  /**
   * What a decode stage is to take for a session.
   *
   * @param from position at which it begins
   * @param to one past the last position
   * @param type of the elements on the wire
   */
  record Expect(long session, long handoff, int from, int to, KvType type) {
    void write(FieldWriter out) {
      out.i64(session).i64(handoff).i32(from).i32(to).choice(type);
    }

    /** What follows the ring. */
    static Expect read(FieldReader in) {
      long session = in.i64("expect.session");
      long handoff = in.i64("expect.handoff");
      int from = in.i32("expect.from", 0, Integer.MAX_VALUE - 1);
      int to = in.i32("expect.to", from + 1, Integer.MAX_VALUE);
      return new Expect(session, handoff, from, to, in.choice("expect.type", TYPES));
    }
  }

  /**
   * What a prompt stage is to send of a session.
   *
   * @param what of the session on the sending side
   * @param stages that take it, those of the DECODE replica
   */
  record Push(Expect what, List<StagePlan> stages) {
    void write(FieldWriter out) {
      what.write(out);
      Ring.writeStages(out, stages);
    }

    static Push read(FieldReader in) {
      return new Push(Expect.read(in), Ring.readStages(in));
    }
  }

  /**
   * A prompt to be computed for another replica.
   *
   * @param from position from which on its KV is wanted
   * @param type of the elements on the wire
   * @param stages of the replica that takes it, the host first
   * @param tokens from position 0 on, all to be computed
   */
  record Prompt(long handoff, int from, KvType type, List<StagePlan> stages, int[] tokens) {
    void write(FieldWriter out) {
      out.i64(handoff).i32(from).choice(type);
      Ring.writeStages(out, stages);
      SamplingCodec.writeTokens(out, tokens);
    }

    static Prompt read(FieldReader in, int vocabularySize) {
      long handoff = in.i64("prompt.handoff");
      int from = in.i32("prompt.from", 0, Integer.MAX_VALUE - 1);
      KvType type = in.choice("prompt.type", TYPES);
      List<StagePlan> stages = Ring.readStages(in);
      int[] tokens = SamplingCodec.readTokens(in, vocabularySize);
      in.end("prompt");
      if (tokens.length <= from) {
        throw new ProtocolException(
            "a prompt of " + tokens.length + " tokens whose KV is wanted from " + from + " on");
      }
      return new Prompt(handoff, from, type, stages, tokens);
    }
  }

  // Pieces.

  /**
   * The type in which the cache's elements travel: what the plan says, unless that would only add
   * bytes.
   */
  static KvType travels(KvType cache, KvType planned) {
    return planned.bytes(32) < cache.bytes(32) ? planned : cache;
  }

  static int pieceBytes(KvLayout layout, KvType type, LayerRange layers, int positions) {
    int rows = Math.multiplyExact(layers.size(), positions);
    return Math.addExact(PIECE_HEAD, Math.multiplyExact(rows, layout.positionBytes(type)));
  }

  /** Fills {@code out} from 0 and flips it. */
  static void writePiece(
      ByteBuffer out, long handoff, KvLayout layout, KvType type, KvBlock block) {
    out.order(ByteOrder.LITTLE_ENDIAN);
    ((Buffer) out).clear();
    LayerRange layers = block.layers();
    out.putLong(handoff).put((byte) type.ordinal());
    out.putInt(layers.from()).putInt(layers.to()).putInt(block.from()).putInt(block.to());
    if (type == block.type()) {
      out.put(block.data().duplicate());
    } else {
      convert(block.data().duplicate(), block.type(), out, type, layout, layers, positions(block));
    }
    ((Buffer) out).flip();
  }

  private static int positions(KvBlock block) {
    return block.to() - block.from();
  }

  /**
   * What follows the hand-off's number: a block as the cache takes it.
   *
   * @param expected what this stage is to take
   * @param own layers of this stage
   */
  static KvBlock readPiece(FieldReader in, KvLayout layout, Expect expected, LayerRange own) {
    KvType type = in.choice("piece.type", TYPES);
    if (type != expected.type()) {
      throw new ProtocolException(
          "KV in type " + type + ", expected is " + expected.type() + " as the plan says");
    }
    int first = in.i32("piece.layers.from", own.from(), own.to() - 1);
    LayerRange layers = LayerRange.of(first, in.i32("piece.layers.to", first + 1, own.to()));
    int from = in.i32("piece.from", expected.from(), expected.to() - 1);
    int to = in.i32("piece.to", from + 1, expected.to());
    long bytes = (long) layers.size() * (to - from) * layout.positionBytes(type);
    if (in.remaining() != bytes) {
      throw new ProtocolException(
          "KV of layers "
              + layers
              + " and "
              + (to - from)
              + " positions in "
              + in.remaining()
              + " bytes, expected are "
              + bytes);
    }
    ByteBuffer data = in.view("piece.data", (int) bytes);
    if (type != layout.type()) {
      int cached =
          Math.multiplyExact(
              Math.multiplyExact(layers.size(), to - from), layout.positionBytes(layout.type()));
      ByteBuffer converted = ByteBuffer.allocate(cached).order(ByteOrder.LITTLE_ENDIAN);
      convert(data, type, converted, layout.type(), layout, layers, to - from);
      ((Buffer) converted).flip();
      data = converted;
    }
    return new KvBlock(KvBlock.Kind.KV, layers, from, to, layout.type(), data);
  }

  /** Row by row, so that what a row becomes does not depend on where pieces are cut. */
  private static void convert(
      ByteBuffer in,
      KvType inType,
      ByteBuffer out,
      KvType outType,
      KvLayout layout,
      LayerRange layers,
      int positions) {
    in.order(ByteOrder.LITTLE_ENDIAN);
    HiddenType from = KvLayout.format(inType);
    HiddenType to = KvLayout.format(outType);
    float[] row = new float[Math.max(layout.keyWidth(), layout.valueWidth())];
    for (int layer = 0; layer < layers.size(); layer++) {
      for (int width : new int[] {layout.keyWidth(), layout.valueWidth()}) {
        for (int i = 0; i < positions; i++) {
          HiddenCodec.get(in, from, row, 0, 1, width);
          HiddenCodec.put(out, to, row, 0, 1, width);
        }
      }
    }
  }
}
