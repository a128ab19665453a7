package org.e2llm.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.e2llm.CallbackException;
import org.e2llm.InvalidRequestException;
import org.e2llm.LogitsProcessor;
import org.e2llm.NonFiniteLogitsException;
import org.e2llm.TokenLogprob;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the next token from logits.
 *
 * <p>The chain: logits processor → logit bias → penalties (repetition, then frequency and presence,
 * over the last {@value #PENALTY_WINDOW} tokens, prompt included) → top-k → top-p → min-p →
 * temperature → draw. Top-p and min-p see probabilities at temperature 1. At temperature 0 the best
 * logit after the penalties wins, ties go to the lowest id.
 *
 * <p>The result is a function of settings, tokens so far and logits alone, the same on every
 * platform: own {@link Exp}, sums in a fixed order (best first with ties by id where top-k or top-p
 * sorted the candidates, else by id), and a draw that is a hash of (seed, position).
 *
 * <p>Not thread-safe: holds working memory for one vocabulary.
 */
public final class Sampler {
  /** Tokens that penalties look back on. */
  public static final int PENALTY_WINDOW = 64;

  private final int vocabularySize;
  private final float[] logits;
  private final Ranking ranking;
  private final int[] window = new int[PENALTY_WINDOW];

  public Sampler(int vocabularySize) {
    this.vocabularySize = vocabularySize;
    this.logits = new float[vocabularySize];
    this.ranking = new Ranking(vocabularySize);
  }

  /**
   * Chooses the token at position {@code tokens.size()}.
   *
   * @param params settings, seed included
   * @param processor the request's own step, or null
   * @param tokens prompt and output so far
   * @param source holds the logits, one per token of the vocabulary; not changed
   * @param offset where they start in {@code source}
   * @throws NonFiniteLogitsException if a logit is not finite
   * @throws CallbackException if the processor throws, or leaves NaN or positive infinity
   * @throws InvalidRequestException if bias and processor forbid every token
   */
  public Sampled sample(
      SamplingParams params,
      @Nullable LogitsProcessor processor,
      TokenLog tokens,
      float[] source,
      int offset) {
    System.arraycopy(source, offset, logits, 0, vocabularySize);
    requireFinite(tokens.size());
    boolean report = params.logprobs() != SamplingParams.NO_LOGPROBS;
    double logNormalizer = report ? LogProbability.normalizer(logits, 0, vocabularySize) : 0;
    List<TokenLogprob> top = report ? top(params.logprobs(), logNormalizer) : List.of();
    if (processor != null) {
      process(processor, tokens);
    }
    bias(params.logitBias());
    penalize(params, tokens);
    int token = params.greedy() ? best() : draw(params, tokens.size());
    float logprob = report ? (float) (source[offset + token] - logNormalizer) : Float.NaN;
    return new Sampled(token, logprob, top);
  }

  private void requireFinite(int position) {
    for (int id = 0; id < vocabularySize; id++) {
      if (!(Math.abs(logits[id]) <= Float.MAX_VALUE)) {
        throw new NonFiniteLogitsException(
            "the logit of token "
                + id
                + " at position "
                + position
                + " is "
                + logits[id]
                + ": the model's weights are damaged or overflow");
      }
    }
  }

  private List<TokenLogprob> top(int count, double logNormalizer) {
    List<TokenLogprob> top = new ArrayList<>(count);
    ranking.keepBest(logits, count);
    for (int i = 0; i < ranking.size() && i < count; i++) {
      int id = ranking.id(i);
      top.add(new TokenLogprob(id, (float) (logits[id] - logNormalizer)));
    }
    return top;
  }

  private void process(LogitsProcessor processor, TokenLog tokens) {
    try {
      processor.process(tokens, logits);
    } catch (RuntimeException e) {
      throw new CallbackException("the logits processor threw " + e, e);
    }
    for (int id = 0; id < vocabularySize; id++) {
      if (!(logits[id] <= Float.MAX_VALUE)) {
        throw new CallbackException(
            "the logits processor left " + logits[id] + " as the logit of token " + id, null);
      }
    }
  }

  private void bias(Map<Integer, Float> biases) {
    for (Map.Entry<Integer, Float> bias : biases.entrySet()) {
      int id = bias.getKey();
      if (id >= vocabularySize) {
        throw new InvalidRequestException(
            "logitBias token " + id + " is outside the vocabulary of " + vocabularySize);
      }
      logits[id] += bias.getValue();
    }
  }

  private void penalize(SamplingParams params, TokenLog tokens) {
    float repeat = params.repeatPenalty();
    float frequency = params.frequencyPenalty();
    float presence = params.presencePenalty();
    if (repeat == 1 && frequency == 0 && presence == 0) {
      return;
    }
    int count = Math.min(PENALTY_WINDOW, tokens.size());
    for (int i = 0; i < count; i++) {
      window[i] = tokens.get(tokens.size() - count + i);
    }
    for (int i = 0; i < count; i++) {
      int id = window[i];
      int occurrences = occurrencesIfFirst(i, count);
      if (occurrences > 0 && id >= 0 && id < vocabularySize) {
        float logit = logits[id];
        logit = logit > 0 ? logit / repeat : logit * repeat;
        logits[id] = logit - occurrences * frequency - presence;
      }
    }
  }

  /** How often {@code window[i]} is in the window; 0 if it was met before i. */
  private int occurrencesIfFirst(int i, int count) {
    int occurrences = 0;
    for (int j = 0; j < count; j++) {
      if (window[j] == window[i]) {
        if (j < i) {
          return 0;
        }
        occurrences++;
      }
    }
    return occurrences;
  }

  /** The highest logit, ties to the lowest id. */
  private int best() {
    int best = 0;
    for (int id = 1; id < vocabularySize; id++) {
      if (logits[id] > logits[best]) {
        best = id;
      }
    }
    float max = logits[best];
    if (max == Float.NEGATIVE_INFINITY) {
      throw new InvalidRequestException("logit bias or processor forbid every token");
    }
    if (!(max <= Float.MAX_VALUE)) {
      throw new InvalidRequestException(
          "bias or penalties raise the logit of token " + best + " to " + max);
    }
    return best;
  }

  private int draw(SamplingParams params, int position) {
    double max = logits[best()];
    boolean sorted = truncate(params, max);
    int size = minP(params.minP(), max, sorted);
    double temperature = params.temperature();
    double sum = 0;
    for (int i = 0; i < size; i++) {
      sum += weight(i, max, temperature);
    }
    double target = Draw.uniform(params.seed(), position) * sum;
    double reached = 0;
    int last = ranking.id(0);
    for (int i = 0; i < size; i++) {
      double weight = weight(i, max, temperature);
      if (weight > 0) {
        last = ranking.id(i);
        reached += weight;
        if (reached > target) {
          break;
        }
      }
    }
    return last;
  }

  private double weight(int candidate, double max, double temperature) {
    return Exp.ofNonPositive((logits[ranking.id(candidate)] - max) / temperature);
  }

  /** Top-k, then top-p. Gives whether the candidates left are sorted, best first. */
  private boolean truncate(SamplingParams params, double max) {
    boolean byCount = params.topK() > 0 && params.topK() < vocabularySize;
    if (byCount) {
      ranking.keepBest(logits, params.topK());
    } else {
      ranking.keepAll(logits);
    }
    if (params.topP() >= 1) {
      return byCount;
    }
    double sum = 0;
    for (int i = 0; i < ranking.size(); i++) {
      sum += weight(i, max, 1);
    }
    double enough = params.topP() * sum;
    double reached = 0;
    int kept = 0;
    if (!byCount) {
      ranking.beginSelection(logits);
    }
    while (kept < ranking.size() && (kept == 0 || reached < enough)) {
      if (!byCount) {
        ranking.selectNext(logits);
      }
      reached += weight(kept, max, 1);
      kept++;
    }
    ranking.cut(kept);
    return true;
  }

  /**
   * Drops what is less than p times as probable as the best; gives how many candidates are left.
   */
  private int minP(float p, double max, boolean sorted) {
    if (p == 0) {
      return ranking.size();
    }
    double least = max + StrictMath.log(p);
    if (!sorted) {
      return ranking.keepAtLeast(logits, least);
    }
    int kept = 1;
    while (kept < ranking.size() && logits[ranking.id(kept)] >= least) {
      kept++;
    }
    return kept;
  }
}
