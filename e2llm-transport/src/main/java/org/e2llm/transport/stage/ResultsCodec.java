package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.e2llm.CallbackException;
import org.e2llm.CapacityException;
import org.e2llm.DeadlineExceededException;
import org.e2llm.E2llmException;
import org.e2llm.InvalidRequestException;
import org.e2llm.NonFiniteLogitsException;
import org.e2llm.StageFailedException;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.SliceOutput;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * What the last stage gives for a batch, slice after slice.
 *
 * <pre>
 *  u64 ring   u32 step   u32 slices
 *  per slice  u8 kind
 *     0 nothing was asked for
 *     1 sampled     see {@link SamplingCodec}
 *     2 error       u8 cause   string message
 *     3 logits      u32 rows   u32 vocabulary   rows × vocabulary × f32
 *     4 as 1, and the caller could not be told: the host does it
 * </pre>
 */
final class ResultsCodec {
  private static final int NOTHING = 0;
  private static final int SAMPLED = 1;
  private static final int ERROR = 2;
  private static final int LOGITS = 3;
  private static final int SAMPLED_UNTOLD = 4;

  /** Which exception it is on the other side. */
  private enum Cause {
    STAGE_FAILED,
    NON_FINITE,
    INVALID,
    CAPACITY,
    CALLBACK,
    DEADLINE
  }

  private ResultsCodec() {}

  /**
   * Writes it.
   *
   * @param untold by number of the slice, those whose caller has not got the token
   */
  static void write(
      FieldWriter out, long ring, int step, List<SliceOutput> outputs, BitSet untold) {
    out.i64(ring).i32(step).count(outputs.size());
    for (int i = 0; i < outputs.size(); i++) {
      write(out, outputs.get(i), untold.get(i));
    }
  }

  private static void write(FieldWriter out, SliceOutput output, boolean untold) {
    SliceOutput.Logits logits = output.logits();
    if (output.error() != null) {
      out.u8(ERROR);
      writeError(out, output.error());
    } else if (output.token() != null) {
      out.u8(untold ? SAMPLED_UNTOLD : SAMPLED);
      SamplingCodec.writeSampled(out, output.token());
    } else if (logits != null) {
      out.u8(LOGITS).i32(logits.rows()).i32(logits.width());
      for (int i = 0; i < logits.rows() * logits.width(); i++) {
        out.f32(logits.data()[logits.offset() + i]);
      }
    } else {
      out.u8(NOTHING);
    }
  }

  /**
   * What follows ring and step.
   *
   * @param slices that were asked for
   * @param untold is filled: by number of the slice, those whose caller has not got the token
   */
  static List<SliceOutput> read(
      FieldReader in, List<Batch.Slice> slices, int vocabularySize, BitSet untold) {
    int count = in.count("results.slices", 1, slices.size());
    List<SliceOutput> outputs = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int kind = in.u8("results.kind");
      outputs.add(read(kind, in, slices.get(i), vocabularySize));
      untold.set(i, kind == SAMPLED_UNTOLD);
    }
    in.end("results");
    return outputs;
  }

  private static SliceOutput read(int kind, FieldReader in, Batch.Slice slice, int vocabularySize) {
    if (kind == SAMPLED || kind == SAMPLED_UNTOLD) {
      return new SliceOutput(slice, SamplingCodec.readSampled(in, vocabularySize), null, null);
    }
    if (kind == ERROR) {
      return new SliceOutput(slice, null, null, readError(in));
    }
    if (kind == LOGITS) {
      int rows = in.i32("results.rows", 1, slice.length());
      int width = in.i32("results.vocabulary", vocabularySize, vocabularySize);
      if (4L * rows * width > in.remaining()) {
        throw new ProtocolException(
            "results of " + rows + " × " + width + " logits in " + in.remaining() + " bytes");
      }
      ByteBuffer bytes = in.view("results.logits", 4 * rows * width);
      float[] data = new float[rows * width];
      bytes.asFloatBuffer().get(data);
      return new SliceOutput(slice, null, new SliceOutput.Logits(data, 0, rows, width), null);
    }
    if (kind != NOTHING) {
      throw new ProtocolException("results.kind is " + kind + ", expected is 0 to 4");
    }
    return new SliceOutput(slice, null, null, null);
  }

  // Errors, here and where a session ends.

  static void writeError(FieldWriter out, E2llmException error) {
    Cause cause = Cause.STAGE_FAILED;
    if (error instanceof NonFiniteLogitsException) {
      cause = Cause.NON_FINITE;
    } else if (error instanceof InvalidRequestException) {
      cause = Cause.INVALID;
    } else if (error instanceof CapacityException) {
      cause = Cause.CAPACITY;
    } else if (error instanceof CallbackException) {
      cause = Cause.CALLBACK;
    } else if (error instanceof DeadlineExceededException) {
      cause = Cause.DEADLINE;
    }
    out.choice(cause).string(shortened(error.getMessage()));
  }

  static E2llmException readError(FieldReader in) {
    Cause cause = in.choice("error.cause", Cause.values());
    String message = in.string("error.message");
    switch (cause) {
      case NON_FINITE:
        return new NonFiniteLogitsException(message);
      case INVALID:
        return new InvalidRequestException(message);
      case CAPACITY:
        return new CapacityException(message);
      case CALLBACK:
        return new CallbackException(message, null);
      case DEADLINE:
        return new DeadlineExceededException(message);
      default:
        return new StageFailedException(message);
    }
  }

  /** Fits on the wire, whatever its characters are. */
  static String shortened(@Nullable String message) {
    String text = String.valueOf(message);
    return text.length() <= 300 ? text : text.substring(0, 300) + "…";
  }
}
