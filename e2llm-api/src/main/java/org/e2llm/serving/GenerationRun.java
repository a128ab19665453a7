package org.e2llm.serving;

import java.time.Duration;
import java.util.Objects;
import org.e2llm.FinishReason;
import org.e2llm.GenerationResult;
import org.e2llm.Timings;
import org.e2llm.Token;
import org.e2llm.Usage;
import org.e2llm.pipeline.ReplicaSession;
import org.e2llm.text.Sampled;
import org.e2llm.text.StopMatcher;
import org.e2llm.text.TokenList;
import org.e2llm.text.Tokenizer;
import org.e2llm.text.Utf8Assembler;
import org.jspecify.annotations.Nullable;

/**
 * One generation as its caller's side keeps it: the log of tokens by position, which is the truth,
 * the text made of them, and when what happened. Times are nanoseconds since any fixed moment.
 * Belongs to the serving thread once it has started.
 */
final class GenerationRun {
  final long id;
  final Submission submission;
  final GenerationHandle handle;
  private final Tokenizer tokenizer;

  private final TokenList tokens;
  private final Utf8Assembler utf8 = new Utf8Assembler();
  private final StopMatcher stops;
  private final StringBuilder text = new StringBuilder();
  private @Nullable ReplicaSession session;
  private int cached;
  private boolean found;
  private int output;

  /** Tokens that the host knows its caller has. */
  int acknowledged;

  /** Where the prompt's KV cache comes from; null if it is computed here. */
  @Nullable KvSource source;

  /** Where the prompt's KV cache goes; such a run ends with its prompt. Mostly null. */
  @Nullable KvTarget target;

  /** Of a session that another device hosts: what it was placed for, and where its prompt goes. */
  SessionRouter.@Nullable Request request;

  @Nullable String promptHost;

  /** Tokens that its host began with. */
  int startedWith;

  /** Whether its prompt lets those of others go first. */
  boolean yields;

  /** Whether the source is at work. */
  boolean filling;

  /** Whether anything was computed for it: its deadline, which is for waiting, is over then. */
  boolean underWay;

  private final long submitted;
  private long admitted;
  private long first;
  private long last;

  GenerationRun(
      long id, Submission submission, GenerationHandle handle, Tokenizer tokenizer, long now) {
    this.id = id;
    this.submission = submission;
    this.handle = handle;
    this.tokenizer = tokenizer;
    this.tokens = new TokenList(submission.prompt());
    this.stops = new StopMatcher(submission.stop());
    this.submitted = now;
  }

  /** Tokens sampled so far. */
  int output() {
    return output;
  }

  /** Prompt and output together, at most. */
  int mostTokens() {
    return submission.prompt().length + submission.maxTokens();
  }

  /**
   * As it comes to a host. A prompt whose KV cache comes from elsewhere is no work here, but for
   * its last token; one that comes again after a loss has begun, whatever became of it.
   */
  HostQueue.Arrival arrival(long deadline) {
    KvHold hold = submission.hold();
    int prompt = submission.prompt().length;
    int held = source != null ? prompt - 1 : hold == null ? 0 : hold.length();
    boolean hadBegun = submission.waited() == null;
    return new HostQueue.Arrival(
        id, prompt, held, submission.maxTokens(), hadBegun, target == null, deadline);
  }

  /** Nanoseconds; 0 for one that had begun. */
  long waitedElsewhere() {
    Duration elsewhere = submission.waited();
    return elsewhere == null ? 0 : elsewhere.toNanos();
  }

  /** For how long its app has waited; null if it has begun. */
  @Nullable Duration waited(long now) {
    return underWay ? null : Duration.ofNanos(now - submitted);
  }

  /** What is left of the deadline, zero if it has passed; null if there is none. */
  @Nullable Duration timeLeft(long now) {
    Duration deadline = submission.deadline();
    if (deadline == null || deadline.toDays() > 36500) {
      return null; // a century is as good as never, and does not overflow
    }
    Duration left = deadline.minusNanos(now - submitted);
    return left.isNegative() ? Duration.ZERO : left;
  }

  /** It was admitted; its KV cache holds {@code cachedTokens} of the prompt already. */
  void start(ReplicaSession opened, int cachedTokens, long now) {
    session = opened;
    started(cachedTokens, now);
  }

  /** As {@link #start}, on another device; the first time counts. */
  void started(int cachedTokens, long now) {
    if (admitted == 0) {
      cached = cachedTokens;
      admitted = now;
    }
  }

  /** Another device found so much of the prompt in its KV cache; the first time counts. */
  void found(int cachedTokens) {
    if (!found) {
      cached = cachedTokens;
    }
    found = true;
    underWay = true;
  }

  /** Null before the start. */
  @Nullable ReplicaSession session() {
    return session;
  }

  TokenList tokens() {
    return tokens;
  }

  /** A chunk of the prompt was computed, up to {@code position}. */
  void prefilled(int position) {
    handle.prefilled(position, submission.prompt().length);
  }

  /** Takes a sampled token and passes it on; gives why the generation ends with it, or null. */
  @Nullable FinishReason accept(Sampled sampled, boolean endOfGeneration, long now) {
    int position = tokens.size();
    tokens.add(sampled.token());
    output++;
    last = now;
    if (output == 1) {
      first = now;
    }
    StringBuilder piece = new StringBuilder();
    FinishReason reason = endOfGeneration ? FinishReason.STOP : null;
    if (!endOfGeneration) {
      piece.append(stops.append(utf8.append(tokenizer.bytes(sampled.token()))));
      if (stops.found() == null && output == submission.maxTokens()) {
        reason = FinishReason.LENGTH;
      }
    }
    if (reason != null) {
      piece.append(stops.append(utf8.finish()));
    }
    if (stops.found() != null) {
      reason = FinishReason.STOP_SEQUENCE;
    } else if (reason != null) {
      piece.append(stops.finish());
    }
    text.append(piece);
    handle.emit(
        new Token(sampled.token(), piece.toString(), position, sampled.logprob(), sampled.top()));
    return reason;
  }

  String text() {
    return text.toString();
  }

  /** The result if it ends now. */
  GenerationResult result(FinishReason reason, long now) {
    int prompt = submission.prompt().length;
    long start = admitted == 0 ? now : admitted;
    Timings timings =
        new Timings(
            Duration.ofNanos(start - submitted),
            Duration.ofNanos(output > 0 ? first - submitted : 0),
            Duration.ofNanos(output > 0 ? first - start : 0),
            Duration.ofNanos(output > 0 ? last - first : 0),
            output > 0 ? prompt - cached : 0,
            Math.max(0, output - 1));
    String stop = reason == FinishReason.STOP_SEQUENCE ? stops.found() : null;
    return new GenerationResult(
        text(),
        Objects.requireNonNull(reason, "reason"),
        stop,
        new Usage(prompt, cached, output),
        timings,
        submission.sampling().params().seed());
  }
}
