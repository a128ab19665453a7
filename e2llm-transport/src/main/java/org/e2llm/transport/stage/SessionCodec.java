package org.e2llm.transport.stage;

import java.time.Duration;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.SamplingSpec;
import org.e2llm.serving.SessionHosts;
import org.e2llm.text.Sampled;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * What callers and hosts say to each other.
 *
 * <pre>
 *  TOKEN    u64 session   u32 epoch   u32 position   sampled
 *  SUBMIT   u64 session   u32 epoch   u64 hold   u32 deadline   u32 waited   u32 maxTokens
 *           tokens   params   string promptHost
 * </pre>
 *
 * The deadline is in milliseconds from now, 2^32 - 1 for none; so is what was waited until now,
 * 2^32 - 1 for a session that has begun elsewhere. An empty prompt host is none. Tokens, params and
 * sampled as in {@link SamplingCodec}.
 */
final class SessionCodec {
  /** Milliseconds that are none. */
  private static final long NONE = 0xffff_ffffL;

  private SessionCodec() {}

  static void writeToken(FieldWriter out, Caller caller, int position, Sampled token) {
    out.i64(caller.session()).i32(caller.epoch()).i32(position);
    SamplingCodec.writeSampled(out, token);
  }

  static void writeRequest(FieldWriter out, SessionHosts.Request request) {
    out.i64(request.session()).i32(request.epoch()).i64(request.hold());
    out.i32(millis(request.deadline())).i32(millis(request.waited())).i32(request.maxTokens());
    SamplingCodec.writeTokens(out, request.tokens());
    SamplingCodec.writeParams(out, request.sampling().params());
    String promptHost = request.promptHost();
    out.string(promptHost == null ? "" : promptHost);
  }

  private static int millis(@Nullable Duration duration) {
    return (int) (duration == null ? NONE : Math.min(duration.toMillis(), NONE));
  }

  private static @Nullable Duration duration(long millis) {
    return millis == NONE ? null : Duration.ofMillis(millis);
  }

  /**
   * What follows session and epoch.
   *
   * @throws org.e2llm.InvalidRequestException if a setting is out of its range
   */
  static SessionHosts.Request readRequest(
      long session, int epoch, FieldReader in, int vocabularySize) {
    long hold = in.i64("session.hold");
    Duration deadline = duration(in.u32("session.deadline"));
    Duration waited = duration(in.u32("session.waited"));
    int maxTokens = in.i32("session.maxTokens", 1, Integer.MAX_VALUE);
    int[] tokens = SamplingCodec.readTokens(in, vocabularySize);
    if (tokens.length == 0 || maxTokens > Integer.MAX_VALUE - tokens.length) {
      throw new ProtocolException(
          "a session of " + tokens.length + " tokens and " + maxTokens + " to sample");
    }
    SamplingSpec sampling = SamplingCodec.readParams(in, vocabularySize);
    String promptHost = in.string("session.promptHost");
    in.end("submit");
    return new SessionHosts.Request(
        session,
        epoch,
        tokens,
        maxTokens,
        sampling,
        deadline,
        waited,
        hold,
        promptHost.isEmpty() ? null : promptHost);
  }
}
