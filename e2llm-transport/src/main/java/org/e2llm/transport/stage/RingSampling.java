package org.e2llm.transport.stage;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.SamplingSpec;
import org.e2llm.pipeline.SamplingTail;
import org.e2llm.pipeline.SliceOutput;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.pipeline.TokenSink;
import org.jspecify.annotations.Nullable;

/**
 * What a ring's host has to do with what the last stage gives: it samples what a logits processor
 * is to see, or nobody else may, and tells callers on this device and those that the last stage
 * does not reach. Thread-safe.
 */
final class RingSampling {
  /**
   * What a session began with last.
   *
   * @param since the step from which on results are of it
   */
  private record Begun(int since, @Nullable Caller caller, boolean here) {}

  private final String self;
  private final TokenSink sink;

  // Guarded by this.
  private final SamplingTail tail;
  private final Map<Long, Begun> sessions = new HashMap<>();

  private volatile boolean samples;

  RingSampling(String self, int vocabularySize, TokenSink sink) {
    this.self = self;
    this.sink = sink;
    this.tail = new SamplingTail(vocabularySize, (caller, position, token) -> {});
  }

  /**
   * A session begins.
   *
   * @param here whether this samples, not the last stage
   * @param step the next one
   */
  synchronized void begin(
      long session,
      int[] tokens,
      SamplingSpec sampling,
      @Nullable Caller caller,
      boolean here,
      int step) {
    sessions.put(session, new Begun(step, caller, here));
    if (here) {
      samples = true;
      tail.begin(session, tokens, sampling, null);
    } else {
      tail.end(session);
    }
  }

  /** Whether it has ever had to sample, which takes longer than a net thread has. Any thread. */
  boolean samples() {
    return samples;
  }

  synchronized void end(long session) {
    sessions.remove(session);
    tail.end(session);
  }

  /**
   * Takes what the last stage gave for a slice. What was under way when the session began anew,
   * such as with a conversation's next turn, concerns nobody any more.
   *
   * @param untold whether the last stage does not reach the caller
   */
  SliceOutput deliver(int step, SliceOutput output, boolean untold) {
    Batch.Slice slice = output.slice();
    SliceOutput result = output;
    boolean mine = untold;
    Begun begun;
    synchronized (this) {
      begun = sessions.get(slice.session());
      if (begun == null || step - begun.since() < 0) {
        return output;
      }
      SliceOutput.Logits logits = output.logits();
      if (begun.here() && logits != null) {
        StageOutput rows = new StageOutput(logits.data(), logits.rows(), logits.width());
        result = tail.sample(List.of(slice), rows).get(0);
        mine = true;
      }
    }
    Caller caller = begun.caller();
    if (caller != null && result.token() != null && (mine || caller.peer().equals(self))) {
      sink.sampled(caller, slice.start() + slice.length(), result.token());
    }
    return result;
  }
}
