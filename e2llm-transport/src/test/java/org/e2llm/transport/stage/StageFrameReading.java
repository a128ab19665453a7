package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.e2llm.E2llmException;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.plan.HiddenType;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;

/** Reads any bytes as each kind of payload there is between stages, callers and hosts. */
final class StageFrameReading {
  static final int KINDS = 10;

  /** From here on of KV hand-offs. */
  private static final int KV = 7;

  private static final KvLayout LAYOUT = new KvLayout(KvType.F16, 24, 40);
  private static final LayerRange LAYERS = LayerRange.of(2, 5);
  private static final int VOCABULARY = 100;
  private static final int WIDTH = 33;
  private static final int ROWS = 64;
  private static final List<Batch.Slice> ASKED =
      List.of(
          new Batch.Slice(1, 0, 5, 3, Batch.Logits.ALL),
          new Batch.Slice(2, 0, 9, 1, Batch.Logits.LAST),
          new Batch.Slice(3, 0, 0, 7, Batch.Logits.NONE));

  private StageFrameReading() {}

  static byte[] valid(int kind, Random random) {
    FieldWriter out = new FieldWriter(64);
    switch (kind) {
      case 0 -> CodecProperties.ring(random).write(out);
      case 1 -> CodecProperties.writeRequest(out, random);
      case 2 -> ResultsCodec.write(out, 1, 2, CodecProperties.outputs(ASKED, random), new BitSet());
      case 3 -> {
        SamplingCodec.writeTokens(out, new int[] {1, 2, 3});
        SamplingCodec.writeParams(out, CodecProperties.params(random));
        SamplingCodec.writeCaller(out, null);
      }
      case KV ->
          new KvCodec.Push(KvCodecProperties.expect(random), CodecProperties.ring(random).stages())
              .write(out);
      case KV + 1 -> KvCodecProperties.prompt(random).write(out);
      case KV + 2 -> {
        KvType type = random.nextBoolean() ? KvType.F16 : KvType.Q8_0;
        return KvCodecProperties.piece(
                LAYOUT, type, KvCodecProperties.block(LAYOUT, LAYERS, 3, 9, random))
            .array();
      }
      default -> {
        List<Batch.Slice> slices = CodecProperties.slices(random);
        int rows = slices.stream().mapToInt(Batch.Slice::length).sum();
        Ring ring = CodecProperties.ring(random);
        Ring typed = new Ring(ring.id(), ring.plan(), ring.stages(), type(kind));
        return CodecProperties.batch(typed, slices, new float[rows * WIDTH], WIDTH).array();
      }
    }
    ByteBuffer payload = out.payload();
    byte[] bytes = new byte[payload.remaining()];
    payload.get(bytes);
    return bytes;
  }

  private static HiddenType type(int kind) {
    return HiddenType.values()[kind - 4];
  }

  /** Anything but a typed error with a message is a defect. */
  static void read(int kind, byte[] payload) {
    try {
      read(kind, new FieldReader(ByteBuffer.wrap(payload)));
    } catch (E2llmException expected) {
      if (expected.getMessage() == null) {
        throw new AssertionError("an error without a message", expected);
      }
    }
  }

  private static void read(int kind, FieldReader in) {
    switch (kind) {
      case 0 -> Ring.read(in);
      case 1 -> {
        long session = in.i64("session");
        int epoch = in.i32("session.epoch", 0, Integer.MAX_VALUE);
        SessionCodec.readRequest(session, epoch, in, VOCABULARY);
      }
      case 2 -> {
        in.i64("ring");
        in.i32("step");
        ResultsCodec.read(in, ASKED, VOCABULARY, new BitSet());
      }
      case 3 -> {
        SamplingCodec.readTokens(in, VOCABULARY);
        SamplingCodec.readParams(in, VOCABULARY);
        SamplingCodec.readCaller(in);
      }
      case KV -> KvCodec.Push.read(in);
      case KV + 1 -> KvCodec.Prompt.read(in, VOCABULARY);
      case KV + 2 -> {
        in.i64("handoff");
        KvCodec.readPiece(in, LAYOUT, new KvCodec.Expect(1, 77, 3, 9, KvType.Q8_0), LAYERS);
      }
      default -> {
        in.i64("ring");
        in.i32("step");
        List<Batch.Slice> slices = BatchCodec.readSlices(in, ROWS, WIDTH);
        int rows = slices.stream().mapToInt(Batch.Slice::length).sum();
        ByteBuffer bytes = BatchCodec.readHidden(in, type(kind), rows, WIDTH);
        HiddenCodec.get(bytes, type(kind), new float[ROWS * WIDTH], 0, rows, WIDTH);
      }
    }
  }
}
