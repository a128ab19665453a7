package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.GenerationMode;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;
import org.e2llm.CallbackException;
import org.e2llm.CapacityException;
import org.e2llm.DeadlineExceededException;
import org.e2llm.E2llmException;
import org.e2llm.InvalidRequestException;
import org.e2llm.NonFiniteLogitsException;
import org.e2llm.StageFailedException;
import org.e2llm.TokenLogprob;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.SamplingSpec;
import org.e2llm.pipeline.SliceOutput;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.StagePlan;
import org.e2llm.serving.SessionHosts;
import org.e2llm.text.Sampled;
import org.e2llm.text.SamplingParams;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;

/** What one side writes the other reads, to the last bit. */
class CodecProperties {
  private static final int VOCABULARY = 100;
  private static final int MAX_ROWS = 64;

  private static FieldReader reader(FieldWriter out) {
    return new FieldReader(out.payload());
  }

  private static <E> E any(E[] values, Random random) {
    return values[random.nextInt(values.length)];
  }

  static Ring ring(Random random) {
    List<StagePlan> stages = new ArrayList<>();
    int from = 0;
    for (int i = 1 + random.nextInt(5); i > 0; i--) {
      int to = from + 1 + random.nextInt(9);
      stages.add(new StagePlan("peer-é-" + i, LayerRange.of(from, to)));
      from = to;
    }
    PlanOrder order = new PlanOrder(random.nextLong() >>> 1, "coordinator", "hash");
    return new Ring(random.nextLong(), order, stages, any(HiddenType.values(), random));
  }

  @Property
  void rings(@ForAll Random random) {
    Ring ring = ring(random);
    FieldWriter out = new FieldWriter(64);
    ring.write(out);
    assertThat(Ring.read(reader(out))).isEqualTo(ring);
  }

  static List<Batch.Slice> slices(Random random) {
    List<Batch.Slice> slices = new ArrayList<>();
    int rows = 1 + random.nextInt(MAX_ROWS);
    while (rows > 0) {
      int length = 1 + random.nextInt(rows);
      rows -= length;
      slices.add(
          new Batch.Slice(
              random.nextLong(),
              random.nextInt() >>> 1,
              random.nextInt() >>> 2,
              length,
              any(Batch.Logits.values(), random)));
    }
    return slices;
  }

  static ByteBuffer batch(Ring ring, List<Batch.Slice> slices, float[] hidden, int width) {
    int rows = hidden.length / width;
    int bytes = BatchCodec.bytes(ring.hidden(), slices.size(), rows, width);
    ByteBuffer out = ByteBuffer.allocate(bytes);
    BatchCodec.write(out, ring, 7, slices, BatchRows.all(slices), hidden, width);
    assertThat(out.remaining()).isEqualTo(bytes);
    return out;
  }

  @Property
  void batches(@ForAll Random random) {
    Ring ring = ring(random);
    List<Batch.Slice> slices = slices(random);
    int width = 1 + random.nextInt(70);
    int rows = slices.stream().mapToInt(Batch.Slice::length).sum();
    float[] hidden = new float[rows * width];
    for (int i = 0; i < hidden.length; i++) {
      hidden[i] = (float) random.nextGaussian() * 10;
    }
    FieldReader in = new FieldReader(batch(ring, slices, hidden, width));
    assertThat(in.i64("ring")).isEqualTo(ring.id());
    assertThat(in.i32("step")).isEqualTo(7);
    float[] into = new float[MAX_ROWS * width];
    assertThat(BatchCodec.readSlices(in, MAX_ROWS, width)).isEqualTo(slices);
    ByteBuffer bytes = BatchCodec.readHidden(in, ring.hidden(), rows, width);
    HiddenCodec.get(bytes, ring.hidden(), into, 0, rows, width);
    for (int i = 0; i < hidden.length; i++) {
      float error = Math.abs(into[i] - hidden[i]);
      switch (ring.hidden()) {
        case F32 -> assertThat(into[i]).isEqualTo(hidden[i]);
        case F16 -> assertThat(error).isLessThanOrEqualTo(Math.abs(hidden[i]) / 2048 + 0x1p-25f);
        default -> assertThat(error).isLessThan(60f / 127); // half a step, and the scale's rounding
      }
    }
  }

  /** By its definition; what comes after the largest finite one stands for infinity. */
  private static double valueOf(int magnitude) {
    int exponent = magnitude >> 10;
    int fraction = magnitude & 0x3ff;
    return exponent == 0
        ? Math.scalb((double) fraction, -24)
        : Math.scalb(1 + fraction / 1024.0, exponent - 15);
  }

  @Property(generation = GenerationMode.EXHAUSTIVE)
  void everyHalfFloatHasItsValue(@ForAll @IntRange(max = 0x7bff) int magnitude) {
    float value = (float) valueOf(magnitude);
    assertThat(HalfFloats.toFloat((short) magnitude)).isEqualTo(value);
    assertThat(HalfFloats.toFloat((short) (magnitude | 0x8000))).isEqualTo(-value);
    assertThat(HalfFloats.toHalf(value)).isEqualTo((short) magnitude);
  }

  @Property
  void roundingIsToTheNearestAndToEven(
      @ForAll @IntRange(max = 0x7bff) int below, @ForAll @FloatRange(min = 0, max = 1) float part) {
    for (double exact : new double[] {part, 0, 0.5, 1}) {
      float value = (float) (valueOf(below) + exact * (valueOf(below + 1) - valueOf(below)));
      double toLower = value - valueOf(below);
      double toUpper = valueOf(below + 1) - value;
      int even = below + (below & 1);
      int nearest = toLower < toUpper ? below : toLower > toUpper ? below + 1 : even;
      assertThat(HalfFloats.toHalf(value)).as("%s", value).isEqualTo((short) nearest);
    }
  }

  @Property
  void whatIsNoFiniteHalfFloatStaysSo(@ForAll @FloatRange(min = 65520, max = 1e38f) float large) {
    float positive = HalfFloats.toFloat(HalfFloats.toHalf(large));
    assertThat(positive).isEqualTo(Float.POSITIVE_INFINITY);
    float negative = HalfFloats.toFloat(HalfFloats.toHalf(-large));
    assertThat(negative).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(HalfFloats.toFloat(HalfFloats.toHalf(Float.NaN))).isNaN();
  }

  static SamplingParams params(Random random) {
    Map<Integer, Float> bias = new TreeMap<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      bias.put(random.nextInt(VOCABULARY), (float) random.nextGaussian());
    }
    return new SamplingParams(
        random.nextFloat() * 100,
        random.nextInt(1000),
        1 - random.nextFloat(),
        random.nextFloat(),
        0.1f + random.nextFloat(),
        random.nextFloat(),
        -random.nextFloat(),
        bias,
        random.nextLong(),
        random.nextInt(102) - 1);
  }

  private static int[] tokens(Random random) {
    return random.ints(1 + random.nextInt(50), 0, VOCABULARY).toArray();
  }

  static void writeRequest(FieldWriter out, Random random) {
    SessionCodec.writeRequest(out, request(random));
  }

  private static SessionHosts.Request request(Random random) {
    return new SessionHosts.Request(
        random.nextLong(),
        random.nextInt() >>> 1,
        tokens(random),
        1 + random.nextInt(100_000),
        new SamplingSpec(params(random), null),
        random.nextBoolean() ? null : Duration.ofMillis(random.nextInt() >>> 1),
        random.nextBoolean() ? null : Duration.ofMillis(random.nextInt() >>> 1),
        random.nextLong(),
        random.nextBoolean() ? null : "peer-é");
  }

  @Property
  void requests(@ForAll Random random) {
    SessionHosts.Request request = request(random);
    FieldWriter out = new FieldWriter(64);
    SessionCodec.writeRequest(out, request);
    FieldReader in = reader(out);
    SessionHosts.Request read =
        SessionCodec.readRequest(in.i64("session"), in.i32("epoch"), in, VOCABULARY);
    assertThat(read).usingRecursiveComparison().isEqualTo(request);
  }

  @Property
  void callers(@ForAll Random random) {
    Caller caller =
        random.nextInt(4) == 0
            ? null
            : new Caller("peer", random.nextLong(), random.nextInt() >>> 1);
    FieldWriter out = new FieldWriter(64);
    SamplingCodec.writeCaller(out, caller);
    assertThat(SamplingCodec.readCaller(reader(out))).isEqualTo(caller);
  }

  private static Sampled sampled(Random random) {
    List<TokenLogprob> top = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      top.add(new TokenLogprob(random.nextInt(VOCABULARY), -random.nextFloat()));
    }
    return new Sampled(random.nextInt(VOCABULARY), -random.nextFloat(), top);
  }

  private static E2llmException error(Random random) {
    return switch (random.nextInt(6)) {
      case 0 -> new CapacityException("full");
      case 1 -> new InvalidRequestException("é".repeat(random.nextInt(400)));
      case 2 -> new NonFiniteLogitsException("nan");
      case 3 -> new CallbackException("threw", null);
      case 4 -> new DeadlineExceededException("late");
      default -> new StageFailedException("failed");
    };
  }

  static List<SliceOutput> outputs(List<Batch.Slice> slices, Random random) {
    List<SliceOutput> outputs = new ArrayList<>();
    for (Batch.Slice slice : slices) {
      outputs.add(
          switch (random.nextInt(4)) {
            case 0 -> new SliceOutput(slice, null, null, null);
            case 1 -> new SliceOutput(slice, sampled(random), null, null);
            case 2 -> new SliceOutput(slice, null, null, error(random));
            default -> {
              float[] data = new float[3 + slice.length() * VOCABULARY];
              data[3] = random.nextFloat();
              yield new SliceOutput(
                  slice, null, new SliceOutput.Logits(data, 3, slice.length(), VOCABULARY), null);
            }
          });
    }
    return outputs;
  }

  @Property
  void results(@ForAll Random random) {
    List<Batch.Slice> slices = slices(random);
    List<SliceOutput> outputs = outputs(slices, random);
    BitSet untold = new BitSet();
    for (int i = 0; i < outputs.size(); i++) {
      untold.set(i, outputs.get(i).token() != null && random.nextBoolean());
    }
    FieldWriter out = new FieldWriter(64);
    ResultsCodec.write(out, 1, 2, outputs, untold);
    FieldReader in = reader(out);
    assertThat(in.i64("ring")).isEqualTo(1);
    assertThat(in.i32("step")).isEqualTo(2);
    BitSet readUntold = new BitSet();
    List<SliceOutput> read = ResultsCodec.read(in, slices, VOCABULARY, readUntold);
    assertThat(readUntold).isEqualTo(untold);
    for (int i = 0; i < outputs.size(); i++) {
      SliceOutput expected = outputs.get(i);
      assertThat(read.get(i).token()).isEqualTo(expected.token());
      E2llmException error = expected.error();
      if (error != null) {
        assertThat(read.get(i).error())
            .isExactlyInstanceOf(error.getClass())
            .hasMessage(ResultsCodec.shortened(error.getMessage()));
      }
      if (expected.logits() != null) {
        assertThat(read.get(i).logits().rows()).isEqualTo(expected.logits().rows());
        assertThat(read.get(i).logits().data()[0]).isEqualTo(expected.logits().data()[3]);
      }
    }
  }

  /** A byte changed, cut off or added: read as something else, or refused with a typed error. */
  @Property(tries = 3000)
  void mangledFramesAreReadOrRefused(@ForAll Random random) {
    byte kind = (byte) random.nextInt(StageFrameReading.KINDS);
    byte[] frame = StageFrameReading.valid(kind, random);
    for (int i = random.nextInt(4); i > 0 && frame.length > 0; i--) {
      int at = random.nextInt(frame.length);
      switch (random.nextInt(3)) {
        case 0 -> frame[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> frame = java.util.Arrays.copyOf(frame, at);
        default -> {
          // A count or length that is out of all proportion.
          ByteBuffer lengths = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
          if (at + 4 <= frame.length) {
            lengths.putInt(at, random.nextBoolean() ? Integer.MAX_VALUE : -1);
          }
        }
      }
    }
    StageFrameReading.read(kind, frame);
  }
}
