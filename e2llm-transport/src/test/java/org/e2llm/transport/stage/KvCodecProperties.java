package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.KvBlock;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;

/** KV arrives as it left, to the last bit, unless the plan says that it travels in fewer. */
class KvCodecProperties {
  private static final int VOCABULARY = 100;

  static KvLayout layout(Random random) {
    KvType type = KvType.values()[random.nextInt(3)];
    int blocks = type == KvType.Q8_0 ? 32 : 1;
    return new KvLayout(type, blocks * (1 + random.nextInt(3)), blocks * (1 + random.nextInt(3)));
  }

  static KvCodec.Expect expect(Random random) {
    int from = random.nextInt(1000);
    return new KvCodec.Expect(
        random.nextLong(),
        random.nextLong(),
        from,
        from + 1 + random.nextInt(1000),
        KvType.values()[random.nextInt(3)]);
  }

  static KvCodec.Prompt prompt(Random random) {
    int[] tokens = random.ints(1 + random.nextInt(200), 0, VOCABULARY).toArray();
    return new KvCodec.Prompt(
        random.nextLong(),
        random.nextInt(tokens.length),
        KvType.values()[random.nextInt(3)],
        CodecProperties.ring(random).stages(),
        tokens);
  }

  /** Of a cache; values that every type can hold roughly. */
  static KvBlock block(KvLayout layout, LayerRange layers, int from, int to, Random random) {
    int bytes = layers.size() * (to - from) * layout.positionBytes(layout.type());
    ByteBuffer data = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    float[] row = new float[Math.max(layout.keyWidth(), layout.valueWidth())];
    for (int layer = 0; layer < layers.size(); layer++) {
      for (int width : new int[] {layout.keyWidth(), layout.valueWidth()}) {
        for (int i = from; i < to; i++) {
          for (int e = 0; e < width; e++) {
            row[e] = (float) random.nextGaussian();
          }
          HiddenCodec.put(data, KvLayout.format(layout.type()), row, 0, 1, width);
        }
      }
    }
    data.flip();
    return new KvBlock(KvBlock.Kind.KV, layers, from, to, layout.type(), data);
  }

  static ByteBuffer piece(KvLayout layout, KvType type, KvBlock block) {
    int positions = block.to() - block.from();
    ByteBuffer out =
        ByteBuffer.allocate(KvCodec.pieceBytes(layout, type, block.layers(), positions));
    KvCodec.writePiece(out, 77, layout, type, block);
    assertThat(out.remaining()).isEqualTo(out.capacity());
    return out;
  }

  private static KvBlock read(
      ByteBuffer payload, KvLayout layout, KvType type, LayerRange own, int from, int to) {
    FieldReader in = new FieldReader(payload);
    assertThat(in.i64("handoff")).isEqualTo(77);
    return KvCodec.readPiece(in, layout, new KvCodec.Expect(1, 77, from, to, type), own);
  }

  @Property(tries = 300)
  void losslessPiecesHaveEveryBit(@ForAll Random random) {
    KvLayout layout = layout(random);
    LayerRange layers = LayerRange.of(3, 4 + random.nextInt(4));
    int from = random.nextInt(20);
    int to = from + 1 + random.nextInt(20);
    KvBlock block = block(layout, layers, from, to, random);
    // A type that would only add bytes is not used.
    for (KvType planned : KvType.values()) {
      KvType type = KvCodec.travels(layout.type(), planned);
      if (type != layout.type()) {
        continue;
      }
      ByteBuffer payload = piece(layout, type, block);
      KvBlock read = read(payload, layout, type, LayerRange.of(2, 9), from, to + 3);
      assertThat(read).isEqualTo(block);
    }
  }

  @Property(tries = 300)
  void narrowerPiecesAreRoundedRowByRowWhereverTheyAreCut(@ForAll Random random) {
    KvType cache = random.nextBoolean() ? KvType.F32 : KvType.F16;
    KvLayout layout = new KvLayout(cache, 1 + random.nextInt(70), 1 + random.nextInt(70));
    KvType type = KvCodec.travels(cache, KvType.values()[1 + random.nextInt(2)]);
    LayerRange layers = LayerRange.of(0, 1);
    int to = 2 + random.nextInt(10);
    KvBlock block = block(layout, layers, 0, to, random);
    KvBlock whole = read(piece(layout, type, block), layout, type, layers, 0, to);
    assertThat(whole.type()).isEqualTo(cache);
    float[] before = values(block, layout);
    float[] after = values(whole, layout);
    for (int i = 0; i < before.length; i++) {
      float error = Math.abs(after[i] - before[i]);
      assertThat(error)
          .isLessThanOrEqualTo(type == cache ? 0 : type == KvType.F16 ? 0.003f : 0.03f);
    }
    int cut = 1 + random.nextInt(to - 1);
    KvBlock first = read(cut(block, layout, 0, cut, type), layout, type, layers, 0, to);
    float[] part = values(first, layout);
    // Keys of the first positions stand at the beginning of both.
    for (int i = 0; i < cut * layout.keyWidth(); i++) {
      assertThat(part[i]).isEqualTo(after[i]);
    }
  }

  /** The first positions of a block of one layer, as a piece. */
  private static ByteBuffer cut(KvBlock block, KvLayout layout, int from, int to, KvType type) {
    int keys = HiddenCodec.rowBytes(KvLayout.format(layout.type()), layout.keyWidth());
    int values = HiddenCodec.rowBytes(KvLayout.format(layout.type()), layout.valueWidth());
    ByteBuffer data = ByteBuffer.allocate(to * (keys + values)).order(ByteOrder.LITTLE_ENDIAN);
    byte[] all = block.data().array();
    data.put(all, 0, to * keys).put(all, block.to() * keys, to * values).flip();
    return piece(
        layout, type, new KvBlock(KvBlock.Kind.KV, block.layers(), from, to, layout.type(), data));
  }

  private static float[] values(KvBlock block, KvLayout layout) {
    int positions = block.to() - block.from();
    float[] all = new float[positions * (layout.keyWidth() + layout.valueWidth())];
    ByteBuffer data = block.data().duplicate().order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    for (int width : new int[] {layout.keyWidth(), layout.valueWidth()}) {
      float[] row = new float[width];
      for (int i = 0; i < positions; i++) {
        HiddenCodec.get(data, KvLayout.format(block.type()), row, 0, 1, width);
        System.arraycopy(row, 0, all, at, width);
        at += width;
      }
    }
    return all;
  }

  @Property(tries = 300)
  void whatIsNotExpectedIsRefused(@ForAll Random random) {
    KvLayout layout = layout(random);
    LayerRange layers = LayerRange.of(2, 4);
    ByteBuffer payload = piece(layout, layout.type(), block(layout, layers, 10, 20, random));
    KvType other = KvType.values()[(layout.type().ordinal() + 1) % 3];
    refuses(payload, layout, other, layers, 10, 20, "as the plan says");
    refuses(payload, layout, layout.type(), LayerRange.of(3, 4), 10, 20, "layers");
    refuses(payload, layout, layout.type(), LayerRange.of(2, 3), 10, 20, "layers");
    refuses(payload, layout, layout.type(), layers, 11, 20, "piece.from");
    refuses(payload, layout, layout.type(), layers, 10, 19, "piece.to");
    KvLayout wider = new KvLayout(layout.type(), layout.keyWidth() + 32, layout.valueWidth());
    refuses(payload, wider, layout.type(), layers, 10, 20, "bytes, expected are");
  }

  private static void refuses(
      ByteBuffer payload,
      KvLayout layout,
      KvType type,
      LayerRange own,
      int from,
      int to,
      String why) {
    assertThatThrownBy(() -> read(payload.duplicate(), layout, type, own, from, to))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining(why);
  }

  @Property(tries = 300)
  void requestsArriveAsTheyLeft(@ForAll Random random) {
    KvCodec.Push push = new KvCodec.Push(expect(random), CodecProperties.ring(random).stages());
    FieldWriter out = new FieldWriter(64);
    push.write(out);
    assertThat(KvCodec.Push.read(new FieldReader(out.payload()))).isEqualTo(push);
    KvCodec.Prompt prompt = prompt(random);
    prompt.write(out.clear());
    assertThat(KvCodec.Prompt.read(new FieldReader(out.payload()), VOCABULARY))
        .usingRecursiveComparison()
        .isEqualTo(prompt);
  }
}
