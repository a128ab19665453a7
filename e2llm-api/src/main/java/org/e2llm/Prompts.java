package org.e2llm;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import org.e2llm.pipeline.SamplingSpec;
import org.e2llm.serving.KvHold;
import org.e2llm.serving.Submission;
import org.e2llm.text.ChatTemplate;
import org.e2llm.text.SamplingParams;
import org.e2llm.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** Turns requests into tokens, checked against the model. Thread-safe. */
final class Prompts {
  private final Tokenizer tokenizer;
  private final ChatTemplate template;
  private final int vocabularySize;
  private final int contextLength;
  private final SecureRandom seeds = new SecureRandom();

  Prompts(Tokenizer tokenizer, ChatTemplate template, int vocabularySize, int contextLength) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.vocabularySize = vocabularySize;
    this.contextLength = contextLength;
  }

  int[] encode(GenerationRequest request) {
    int[] tokens = request.tokens();
    if (tokens != null) {
      return tokens;
    }
    String text = request.text();
    if (text != null) {
      return tokenizer.encode(text, true, request.parseSpecial());
    }
    return encode(request.messages());
  }

  /** A conversation up to the head of the answer. */
  int[] encode(List<Message> messages) {
    int[] tokens = tokenizer.encode(template.render(messages, true), false);
    boolean begins = tokens.length > 0 && tokens[0] == tokenizer.bos();
    if (!tokenizer.addsBos() || tokenizer.bos() < 0 || begins) {
      return tokens;
    }
    // Where the template does not write BOS itself, the model's metadata decides.
    int[] withBos = new int[tokens.length + 1];
    withBos[0] = tokenizer.bos();
    System.arraycopy(tokens, 0, withBos, 1, tokens.length);
    return withBos;
  }

  Submission submission(
      GenerationRequest request,
      int[] prompt,
      @Nullable KvHold hold,
      Submission.@Nullable EndListener onEnd) {
    check(prompt, request.sampling());
    if (prompt.length >= contextLength) {
      throw new CapacityException(
          "a prompt of "
              + prompt.length
              + " tokens leaves no room for output in a context of "
              + contextLength
              + " tokens");
    }
    SamplingParams params = request.sampling();
    if (request.seed() == null) {
      params = params.withSeed(seeds.nextLong());
    }
    return new Submission(
        prompt,
        Math.min(request.maxTokens(), contextLength - prompt.length),
        new SamplingSpec(params, request.logitsProcessor()),
        request.stop(),
        request.deadline(),
        request.onPrefill(),
        hold,
        onEnd,
        null,
        Duration.ZERO);
  }

  private void check(int[] prompt, SamplingParams params) {
    if (prompt.length == 0) {
      throw new InvalidRequestException(
          "the prompt has no token, and the model's tokenizer adds none");
    }
    for (int i = 0; i < prompt.length; i++) {
      if (prompt[i] < 0 || prompt[i] >= vocabularySize) {
        throw new InvalidRequestException(
            "prompt token "
                + prompt[i]
                + " at position "
                + i
                + " is outside the vocabulary of "
                + vocabularySize);
      }
    }
    for (int token : params.logitBias().keySet()) {
      if (token >= vocabularySize) {
        throw new InvalidRequestException(
            "logitBias token " + token + " is outside the vocabulary of " + vocabularySize);
      }
    }
  }
}
