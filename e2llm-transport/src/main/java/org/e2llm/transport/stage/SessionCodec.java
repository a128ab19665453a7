package org.e2llm.transport.stage;

import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.SamplingSpec;
import org.e2llm.serving.SessionHosts;
import org.e2llm.text.Sampled;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;

/**
 * What callers and hosts say to each other.
 *
 * <pre>
 *  TOKEN    u64 session   u32 epoch   u32 position   sampled
 *  SUBMIT   u64 session   u32 epoch   u32 maxTokens   tokens   params
 * </pre>
 *
 * Tokens, params and sampled as in {@link SamplingCodec}.
 */
final class SessionCodec {
  private SessionCodec() {}

  static void writeToken(FieldWriter out, Caller caller, int position, Sampled token) {
    out.i64(caller.session()).i32(caller.epoch()).i32(position);
    SamplingCodec.writeSampled(out, token);
  }

  static void writeRequest(FieldWriter out, SessionHosts.Request request) {
    out.i64(request.session()).i32(request.epoch()).i32(request.maxTokens());
    SamplingCodec.writeTokens(out, request.tokens());
    SamplingCodec.writeParams(out, request.sampling().params());
  }

  static SessionHosts.Request readRequest(FieldReader in, int vocabularySize) {
    long session = in.i64("session");
    int epoch = in.i32("session.epoch", 0, Integer.MAX_VALUE);
    int maxTokens = in.i32("session.maxTokens", 1, Integer.MAX_VALUE);
    int[] tokens = SamplingCodec.readTokens(in, vocabularySize);
    SamplingSpec sampling = SamplingCodec.readParams(in, vocabularySize);
    in.end("submit");
    return new SessionHosts.Request(session, epoch, tokens, maxTokens, sampling);
  }
}
