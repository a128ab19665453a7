package org.e2llm.transport.stage;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.e2llm.TokenLogprob;
import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.SamplingSpec;
import org.e2llm.text.Sampled;
import org.e2llm.text.SamplingParams;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * Tokens, how they are sampled, and what was sampled.
 *
 * <pre>
 *  tokens    count, u32…
 *  params    f32 temperature   u32 top-k   f32 top-p   f32 min-p   f32 repeat, frequency, presence
 *            u64 seed   i32 logprobs   count, (u32 token, f32 bias)…
 *  begin     u64 ring   u64 session   caller   bool, and if true: tokens   params
 *  caller    bool, and if true: string peer   u64 session   u32 epoch
 *  sampled   u32 token   f32 logprob   count, (u32 token, f32 logprob)…
 * </pre>
 */
final class SamplingCodec {
  private SamplingCodec() {}

  static void writeTokens(FieldWriter out, int[] tokens) {
    out.count(tokens.length);
    for (int token : tokens) {
      out.i32(token);
    }
  }

  static int[] readTokens(FieldReader in, int vocabularySize) {
    int count = in.count("tokens", 4);
    int[] tokens = new int[count];
    for (int i = 0; i < count; i++) {
      tokens[i] = in.i32("token", 0, vocabularySize - 1);
    }
    return tokens;
  }

  static void writeParams(FieldWriter out, SamplingParams params) {
    out.f32(params.temperature()).i32(params.topK()).f32(params.topP()).f32(params.minP());
    out.f32(params.repeatPenalty()).f32(params.frequencyPenalty()).f32(params.presencePenalty());
    out.i64(params.seed()).i32(params.logprobs()).count(params.logitBias().size());
    for (Map.Entry<Integer, Float> bias : params.logitBias().entrySet()) {
      out.i32(bias.getKey()).f32(bias.getValue());
    }
  }

  /** The record checks the ranges. */
  static SamplingSpec readParams(FieldReader in, int vocabularySize) {
    float temperature = in.f32("temperature");
    int topK = in.i32("topK");
    float topP = in.f32("topP");
    float minP = in.f32("minP");
    float repeat = in.f32("repeatPenalty");
    float frequency = in.f32("frequencyPenalty");
    float presence = in.f32("presencePenalty");
    long seed = in.i64("seed");
    int logprobs = in.i32("logprobs");
    Map<Integer, Float> bias = new TreeMap<>();
    for (int n = in.count("logitBias", 8, vocabularySize); n > 0; n--) {
      bias.put(in.i32("logitBias.token", 0, vocabularySize - 1), in.f32("logitBias.bias"));
    }
    SamplingParams params =
        new SamplingParams(
            temperature, topK, topP, minP, repeat, frequency, presence, bias, seed, logprobs);
    return new SamplingSpec(params, null);
  }

  static void writeCaller(FieldWriter out, @Nullable Caller caller) {
    out.bool(caller != null);
    if (caller != null) {
      out.string(caller.peer()).i64(caller.session()).i32(caller.epoch());
    }
  }

  static @Nullable Caller readCaller(FieldReader in) {
    if (!in.bool("caller")) {
      return null;
    }
    return new Caller(
        in.string("caller.peer"),
        in.i64("caller.session"),
        in.i32("caller.epoch", 0, Integer.MAX_VALUE));
  }

  static void writeSampled(FieldWriter out, Sampled sampled) {
    out.i32(sampled.token()).f32(sampled.logprob()).count(sampled.top().size());
    for (TokenLogprob candidate : sampled.top()) {
      out.i32(candidate.id()).f32(candidate.logprob());
    }
  }

  static Sampled readSampled(FieldReader in, int vocabularySize) {
    int token = in.i32("sampled.token", 0, vocabularySize - 1);
    float logprob = in.f32("sampled.logprob");
    int count = in.count("sampled.top", 8, SamplingParams.MAX_LOGPROBS);
    if (count == 0) {
      return new Sampled(token, logprob, List.of());
    }
    List<TokenLogprob> top = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      top.add(
          new TokenLogprob(
              in.i32("sampled.top.token", 0, vocabularySize - 1), in.f32("sampled.top.logprob")));
    }
    return new Sampled(token, logprob, top);
  }

  /** A payload of its own, not shared with the writer. */
  static ByteBuffer copy(FieldWriter out) {
    ByteBuffer payload = out.payload();
    ByteBuffer copy = ByteBuffer.allocate(payload.remaining());
    copy.put(payload);
    ((Buffer) copy).flip();
    return copy;
  }
}
