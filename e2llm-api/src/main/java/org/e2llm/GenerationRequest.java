package org.e2llm;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.e2llm.text.SamplingParams;
import org.jspecify.annotations.Nullable;

/**
 * What to generate from, and how. Immutable; made by a {@link Builder}, which checks everything
 * that can be checked without a model.
 */
public final class GenerationRequest {
  /** What {@link Builder#maxTokens} is if unset. */
  public static final int DEFAULT_MAX_TOKENS = 512;

  /** The most stop sequences, and the most characters of each. */
  private static final int STOP_LIMIT = 64;

  private static final int STOP_LENGTH_LIMIT = 1024;

  private final @Nullable String text;
  private final boolean parseSpecial;
  private final int @Nullable [] tokens;
  private final List<Message> messages;
  private final int maxTokens;
  private final SamplingParams sampling;
  private final @Nullable Long seed;
  private final List<String> stop;
  private final @Nullable Duration deadline;
  private final @Nullable LogitsProcessor logitsProcessor;
  private final @Nullable Consumer<Progress> onPrefill;
  private final Builder source;

  private GenerationRequest(Builder builder) {
    this.text = builder.text;
    this.parseSpecial = builder.parseSpecial;
    this.tokens = builder.tokens;
    this.messages = builder.messages;
    this.maxTokens = builder.maxTokens;
    this.seed = builder.seed;
    this.sampling = builder.sampling();
    this.stop = builder.stop;
    this.deadline = builder.deadline;
    this.logitsProcessor = builder.logitsProcessor;
    this.onPrefill = builder.onPrefill;
    this.source = builder.copy();
  }

  public static Builder builder() {
    return new Builder();
  }

  /** A builder with everything this request has. */
  public Builder toBuilder() {
    return source.copy();
  }

  /** The raw prompt, or null. */
  @Nullable String text() {
    return text;
  }

  boolean parseSpecial() {
    return parseSpecial;
  }

  /** The prompt's tokens, or null; not to be changed. */
  int @Nullable [] tokens() {
    return tokens;
  }

  /** The prompt's messages; empty if the prompt is given otherwise. */
  List<Message> messages() {
    return messages;
  }

  public int maxTokens() {
    return maxTokens;
  }

  /** The sampling chain's settings; the seed in it is 0 if none was set. */
  public SamplingParams sampling() {
    return sampling;
  }

  /** The seed, or null: one is chosen. */
  public @Nullable Long seed() {
    return seed;
  }

  public List<String> stop() {
    return stop;
  }

  public @Nullable Duration deadline() {
    return deadline;
  }

  public @Nullable LogitsProcessor logitsProcessor() {
    return logitsProcessor;
  }

  public @Nullable Consumer<Progress> onPrefill() {
    return onPrefill;
  }

  /** Collects the parts of a request. Not thread-safe; may be used again after {@link #build()}. */
  public static final class Builder {
    private @Nullable String text;
    private boolean parseSpecial;
    private int @Nullable [] tokens;
    private List<Message> messages = List.of();
    private int maxTokens = DEFAULT_MAX_TOKENS;
    private float temperature = SamplingParams.DEFAULT.temperature();
    private int topK = SamplingParams.DEFAULT.topK();
    private float topP = SamplingParams.DEFAULT.topP();
    private float minP = SamplingParams.DEFAULT.minP();
    private float repeatPenalty = SamplingParams.DEFAULT.repeatPenalty();
    private float frequencyPenalty = SamplingParams.DEFAULT.frequencyPenalty();
    private float presencePenalty = SamplingParams.DEFAULT.presencePenalty();
    private Map<Integer, Float> logitBias = Map.of();
    private @Nullable Long seed;
    private List<String> stop = List.of();
    private int logprobs = SamplingParams.NO_LOGPROBS;
    private @Nullable Duration deadline;
    private @Nullable LogitsProcessor logitsProcessor;
    private @Nullable Consumer<Progress> onPrefill;

    private Builder() {}

    /** A raw prompt in which special tokens such as {@code <|im_start|>} are recognised. */
    public Builder prompt(String prompt) {
      return text(prompt, true);
    }

    /** A raw prompt in which nothing is a special token. */
    public Builder promptText(String prompt) {
      return text(prompt, false);
    }

    private Builder text(String prompt, boolean special) {
      clearPrompt();
      text = Objects.requireNonNull(prompt, "prompt");
      parseSpecial = special;
      return this;
    }

    /** A prompt of token ids, fed as they are: include BOS where the model wants it. */
    public Builder promptTokens(int... ids) {
      clearPrompt();
      tokens = ids.clone();
      return this;
    }

    /** Messages, rendered with the model's chat template; never parsed for special tokens. */
    public Builder messages(Message... conversation) {
      return messages(List.of(conversation));
    }

    /** Messages, rendered with the model's chat template; never parsed for special tokens. */
    public Builder messages(List<Message> conversation) {
      clearPrompt();
      messages = List.copyOf(conversation);
      return this;
    }

    private void clearPrompt() {
      text = null;
      parseSpecial = false;
      tokens = null;
      messages = List.of();
    }

    /** The most tokens to generate; unset 512. Capped by the context that the prompt leaves. */
    public Builder maxTokens(int value) {
      maxTokens = value;
      return this;
    }

    /** Divides logits before the draw; unset 0.8. At 0 the best token is taken, always. */
    public Builder temperature(float value) {
      temperature = value;
      return this;
    }

    /** Keeps the k best tokens; unset 40, 0 keeps all. */
    public Builder topK(int value) {
      topK = value;
      return this;
    }

    /** Keeps the best tokens whose probabilities reach p together; unset 0.95, 1 keeps all. */
    public Builder topP(float value) {
      topP = value;
      return this;
    }

    /** Keeps tokens at least p times as probable as the best; unset 0.05, 0 keeps all. */
    public Builder minP(float value) {
      minP = value;
      return this;
    }

    /**
     * Divides positive and multiplies negative logits of tokens among the last 64, prompt included;
     * unset 1, which changes nothing.
     */
    public Builder repeatPenalty(float value) {
      repeatPenalty = value;
      return this;
    }

    /** Subtracted from a logit for every occurrence among the last 64 tokens; unset 0. */
    public Builder frequencyPenalty(float value) {
      frequencyPenalty = value;
      return this;
    }

    /** Subtracted once from the logit of every token among the last 64; unset 0. */
    public Builder presencePenalty(float value) {
      presencePenalty = value;
      return this;
    }

    /** Added to the token's logit; negative infinity forbids it. May be called for many tokens. */
    public Builder logitBias(int token, float bias) {
      Map<Integer, Float> map = new TreeMap<>(logitBias);
      map.put(token, bias);
      logitBias = map;
      return this;
    }

    /** Makes the draws repeatable; unset, one is chosen and reported in the result. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** Texts that end the generation and are not part of it; replaces those set before. */
    public Builder stop(String... sequences) {
      stop = List.of(sequences);
      return this;
    }

    /** Reports each token's log probability and the {@code top} best candidates; 0 to 100. */
    public Builder logprobs(int top) {
      if (top < 0) {
        throw new InvalidRequestException("logprobs " + top + " is negative");
      }
      logprobs = top;
      return this;
    }

    /** How long the request may wait for its turn; unset, as long as it takes. */
    public Builder deadline(Duration value) {
      deadline = Objects.requireNonNull(value, "deadline");
      return this;
    }

    /** See {@link LogitsProcessor}. */
    public Builder logitsProcessor(LogitsProcessor processor) {
      logitsProcessor = Objects.requireNonNull(processor, "processor");
      return this;
    }

    /** Called on the delivery thread after every chunk of the prompt. */
    public Builder onPrefill(Consumer<Progress> listener) {
      onPrefill = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * The request.
     *
     * @throws InvalidRequestException if there is no prompt, or a value is outside its range
     */
    public GenerationRequest build() {
      if (text == null && tokens == null && messages.isEmpty()) {
        throw new InvalidRequestException(
            "the request has no prompt: set prompt, promptText, promptTokens or messages");
      }
      if (maxTokens < 1) {
        throw new InvalidRequestException("maxTokens " + maxTokens + " is less than 1");
      }
      if (stop.size() > STOP_LIMIT) {
        throw new InvalidRequestException(
            stop.size() + " stop sequences are more than " + STOP_LIMIT);
      }
      for (String sequence : stop) {
        if (sequence.isEmpty() || sequence.length() > STOP_LENGTH_LIMIT) {
          throw new InvalidRequestException(
              "a stop sequence of " + sequence.length() + " characters: 1 to " + STOP_LENGTH_LIMIT);
        }
      }
      if (deadline != null && (deadline.isNegative() || deadline.isZero())) {
        throw new InvalidRequestException("deadline " + deadline + " is not positive");
      }
      return new GenerationRequest(this);
    }

    private SamplingParams sampling() {
      return new SamplingParams(
          temperature,
          topK,
          topP,
          minP,
          repeatPenalty,
          frequencyPenalty,
          presencePenalty,
          logitBias,
          seed == null ? 0 : seed,
          logprobs);
    }

    private Builder copy() {
      Builder copy = new Builder();
      copy.text = text;
      copy.parseSpecial = parseSpecial;
      copy.tokens = tokens;
      copy.messages = messages;
      copy.maxTokens = maxTokens;
      copy.temperature = temperature;
      copy.topK = topK;
      copy.topP = topP;
      copy.minP = minP;
      copy.repeatPenalty = repeatPenalty;
      copy.frequencyPenalty = frequencyPenalty;
      copy.presencePenalty = presencePenalty;
      copy.logitBias = logitBias;
      copy.seed = seed;
      copy.stop = stop;
      copy.logprobs = logprobs;
      copy.deadline = deadline;
      copy.logitsProcessor = logitsProcessor;
      copy.onPrefill = onPrefill;
      return copy;
    }
  }
}
