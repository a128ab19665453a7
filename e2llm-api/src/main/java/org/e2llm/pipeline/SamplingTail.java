package org.e2llm.pipeline;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.E2llmException;
import org.e2llm.text.Sampled;
import org.e2llm.text.Sampler;
import org.e2llm.text.TokenList;
import org.jspecify.annotations.Nullable;

/**
 * What follows the last stage of a replica, on the same device: the sessions that sample, each with
 * its log of tokens, which penalties and positions follow from. Not thread-safe.
 */
public final class SamplingTail {
  private record Session(TokenList tokens, SamplingSpec sampling, @Nullable Caller caller) {}

  private final int vocabularySize;
  private final Sampler sampler;
  private final TokenSink sink;
  private final Map<Long, Session> sessions = new HashMap<>();

  /**
   * Without a session.
   *
   * @param sink takes what is sampled for a {@link Caller}
   */
  public SamplingTail(int vocabularySize, TokenSink sink) {
    this.vocabularySize = vocabularySize;
    this.sampler = new Sampler(vocabularySize);
    this.sink = sink;
  }

  /**
   * See {@link ReplicaSession#begin}; begins anew if the session samples already.
   *
   * @param tokens all that are known from position 0 on
   */
  public void begin(long session, int[] tokens, SamplingSpec sampling, @Nullable Caller caller) {
    sessions.put(session, new Session(new TokenList(tokens), sampling, caller));
  }

  /** The session is over; does nothing if it did not sample. */
  public void end(long session) {
    sessions.remove(session);
  }

  /**
   * Samples what the slices ask for. Sessions that do not sample get their logits.
   *
   * @param output of the last stage
   * @return one output per slice, in order
   * @throws E2llmException if the last stage gave something else than was asked for
   */
  public List<SliceOutput> sample(List<Batch.Slice> slices, StageOutput output) {
    check(slices, output);
    List<SliceOutput> outputs = new ArrayList<>(slices.size());
    int row = 0;
    for (Batch.Slice slice : slices) {
      int rows = slice.logitRows();
      outputs.add(sample(slice, output.data(), row * vocabularySize, rows));
      row += rows;
    }
    return outputs;
  }

  private void check(List<Batch.Slice> slices, StageOutput output) {
    int asked = 0;
    for (Batch.Slice slice : slices) {
      asked += slice.logitRows();
    }
    if (output.rows() != asked
        || output.width() != vocabularySize
        || output.data().length < (long) output.rows() * output.width()) {
      throw new E2llmException(
          "the last stage gave "
              + output.rows()
              + " rows of "
              + output.width()
              + " logits for "
              + asked
              + " rows of "
              + vocabularySize);
    }
  }

  private SliceOutput sample(Batch.Slice slice, float[] data, int offset, int rows) {
    if (rows == 0) {
      return new SliceOutput(slice, null, null, null);
    }
    Session session = sessions.get(slice.session());
    if (session == null) {
      return new SliceOutput(
          slice, null, new SliceOutput.Logits(data, offset, rows, vocabularySize), null);
    }
    try {
      return new SliceOutput(slice, next(session, slice, data, offset, rows), null, null);
    } catch (E2llmException e) {
      return new SliceOutput(slice, null, null, e);
    }
  }

  private Sampled next(Session session, Batch.Slice slice, float[] data, int offset, int rows) {
    int end = slice.start() + slice.length();
    if (end != session.tokens().size()) {
      throw new E2llmException(
          "slice ends at position " + end + ", the known tokens at " + session.tokens().size());
    }
    int last = offset + (rows - 1) * vocabularySize;
    SamplingSpec sampling = session.sampling();
    Sampled token =
        sampler.sample(sampling.params(), sampling.processor(), session.tokens(), data, last);
    session.tokens().add(token.token());
    if (session.caller() != null) {
      sink.sampled(session.caller(), end, token);
    }
    return token;
  }
}
