package org.e2llm.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;
import org.e2llm.CallbackException;
import org.e2llm.InvalidRequestException;
import org.e2llm.NonFiniteLogitsException;
import org.e2llm.TokenLogprob;
import org.junit.jupiter.api.Test;

class SamplerTest {
  private static final TokenList NOTHING = new TokenList(0);

  @Test
  void temperatureZeroTakesTheBestAndTiesGoToTheLowestId() {
    assertThat(sample(SamplingParams.GREEDY, 1, 3, 3, 2)).isEqualTo(1);
    assertThat(sample(SamplingParams.GREEDY, -1, -1)).isEqualTo(0);
  }

  @Test
  void aDrawIsAFunctionOfSeedAndPositionAlone() {
    float[] logits = random(500, 1);
    SamplingParams params = new Params().params();
    Sampler one = new Sampler(500);
    int[] forth = new int[100];
    for (int p = 0; p < forth.length; p++) {
      forth[p] = at(one, params, p + 1, logits);
    }
    Sampler other = new Sampler(500);
    for (int p = forth.length - 1; p >= 0; p--) {
      assertThat(at(other, params, p + 1, logits)).isEqualTo(forth[p]);
    }
    assertThat(Arrays.stream(forth).distinct().count()).isGreaterThan(10);
    assertThat(at(one, params.withSeed(2), 1, logits))
        .isEqualTo(at(other, params.withSeed(2), 1, logits));
  }

  private static int at(Sampler sampler, SamplingParams params, int position, float[] logits) {
    return sampler.sample(params, null, new TokenList(new int[position]), logits, 0).token();
  }

  @Test
  void drawsFollowTheDistribution() {
    double[] expected = {0.5, 0.25, 0.15, 0.1};
    float[] logits = new float[4];
    for (int i = 0; i < 4; i++) {
      logits[i] = (float) Math.log(expected[i]);
    }
    // A thousand seeds at ten positions, so that both arguments have to mix.
    SamplingParams params = new Params().temperature(1).params();
    Sampler sampler = new Sampler(4);
    int[] counts = new int[4];
    for (int seed = 0; seed < 1000; seed++) {
      for (int position = 1; position <= 10; position++) {
        counts[at(sampler, params.withSeed(seed), position, logits)]++;
      }
    }
    double chiSquare = 0;
    for (int i = 0; i < 4; i++) {
      double mean = expected[i] * 10_000;
      chiSquare += (counts[i] - mean) * (counts[i] - mean) / mean;
    }
    // 0.999 quantile at 3 degrees of freedom.
    assertThat(chiSquare).isLessThan(16.27);
  }

  @Test
  void uniformDrawsFillTheUnitInterval() {
    int[] bins = new int[100];
    for (int i = 0; i < 100_000; i++) {
      bins[(int) (Draw.uniform(7, i) * 100)]++;
    }
    double chiSquare = 0;
    for (int count : bins) {
      chiSquare += (count - 1000.0) * (count - 1000.0) / 1000;
    }
    // 0.999 quantile at 99 degrees of freedom.
    assertThat(chiSquare).isLessThan(148.2);
  }

  @Test
  void topKKeepsTheBest() {
    assertThat(possible(new Params().topK(2), 1, 5, 4, 4)).containsExactlyInAnyOrder(1, 2);
  }

  @Test
  void topPKeepsTheFewestThatReachIt() {
    float[] logits = logs(0.5, 0.3, 0.15, 0.05);
    assertThat(possible(new Params().topP(0.7f), logits)).containsExactlyInAnyOrder(0, 1);
    assertThat(possible(new Params().topP(0.9f), logits)).containsExactlyInAnyOrder(0, 1, 2);
    assertThat(possible(new Params().topP(0.01f), logits)).containsExactly(0);
  }

  @Test
  void topPComesAfterTopKAndSeesOnlyWhatThatLeft() {
    // After top-k 2 the shares are 0.625 and 0.375: 0.6 is reached by the first alone.
    float[] logits = logs(0.5, 0.3, 0.15, 0.05);
    assertThat(possible(new Params().topK(2).topP(0.6f), logits)).containsExactly(0);
    assertThat(possible(new Params().topP(0.6f), logits)).containsExactlyInAnyOrder(0, 1);
  }

  @Test
  void minPComparesWithTheBest() {
    float[] logits = logs(0.1, 0.5, 0.25, 0.15);
    assertThat(possible(new Params().minP(0.4f), logits)).containsExactlyInAnyOrder(1, 2);
  }

  @Test
  void truncationSeesTemperatureOneWhateverTheTemperature() {
    float[] logits = logs(0.5, 0.3, 0.15, 0.05);
    assertThat(possible(new Params().topP(0.7f).temperature(5), logits))
        .containsExactlyInAnyOrder(0, 1);
    assertThat(possible(new Params().minP(0.4f).temperature(5), logits))
        .containsExactlyInAnyOrder(0, 1);
  }

  @Test
  void biasComesBeforePenaltiesAndPenaltiesBeforeTruncation() {
    // Bias lifts token 2 above zero, so that the repetition penalty divides; then it is best alone.
    SamplingParams params =
        new Params().bias(2, 4).repeatPenalty(2).topK(1).temperature(1).params();
    Sampler sampler = new Sampler(3);
    float[] logits = {1.4f, 1, -1};
    assertThat(sampler.sample(params, null, new TokenList(2), logits, 0).token()).isEqualTo(2);
    assertThat(sampler.sample(params, null, new TokenList(2, 0), logits, 0).token()).isEqualTo(2);
    SamplingParams stronger =
        new Params().bias(2, 4).repeatPenalty(3.5f).topK(1).temperature(1).params();
    assertThat(sampler.sample(stronger, null, new TokenList(2), logits, 0).token()).isEqualTo(0);
  }

  @Test
  void penaltiesLookBackOnTheLast64TokensAndNoFurther() {
    SamplingParams params = new Params().presencePenalty(1).params().withTemperature(0);
    float[] logits = {2, 1.5f};
    int[] recent = new int[64];
    Arrays.fill(recent, 1);
    recent[0] = 0;
    // Both are in the window: nothing changes between them.
    assertThat(sample(params, new TokenList(recent), logits)).isEqualTo(0);
    int[] older = new int[65];
    Arrays.fill(older, 1);
    older[0] = 0;
    float[] close = {1.5f, 2};
    // Token 0 has just left the window, token 1 alone is penalised.
    assertThat(sample(params, new TokenList(older), close)).isEqualTo(0);
    assertThat(sample(params, new TokenList(recent), close)).isEqualTo(1);
  }

  @Test
  void frequencyCountsPresenceDoesNot() {
    float[] logits = {3, 2};
    TokenList thrice = new TokenList(0, 0, 0, 1);
    SamplingParams frequency = new Params().frequencyPenalty(0.6f).params().withTemperature(0);
    SamplingParams presence = new Params().presencePenalty(0.6f).params().withTemperature(0);
    assertThat(sample(frequency, thrice, logits)).isEqualTo(1);
    assertThat(sample(presence, thrice, logits)).isEqualTo(0);
  }

  @Test
  void repetitionDividesPositiveAndMultipliesNegativeLogits() {
    SamplingParams params = new Params().repeatPenalty(2).params().withTemperature(0);
    assertThat(sample(params, new TokenList(0), 3, 2)).isEqualTo(1);
    assertThat(sample(params, new TokenList(0), -1, -1.5f)).isEqualTo(1);
  }

  @Test
  void logprobsAreOfTheModelsOwnDistribution() {
    float[] logits = logs(0.5, 0.3, 0.2);
    SamplingParams params =
        new Params().bias(1, 10).temperature(0.1f).logprobs(2).params().withSeed(3);
    Sampled sampled = new Sampler(3).sample(params, null, NOTHING, logits, 0);
    assertThat(sampled.token()).isEqualTo(1);
    assertThat(sampled.logprob()).isCloseTo((float) Math.log(0.3), within(1e-6f));
    assertThat(sampled.top()).extracting(TokenLogprob::id).containsExactly(0, 1);
    assertThat(sampled.top().get(0).logprob()).isCloseTo((float) Math.log(0.5), within(1e-6f));
    Sampled unasked = new Sampler(3).sample(SamplingParams.GREEDY, null, NOTHING, logits, 0);
    assertThat(unasked.logprob()).isNaN();
    assertThat(unasked.top()).isEmpty();
  }

  @Test
  void aProcessorChangesLogitsBeforeAllElseAndNotThoseOfTheStage() {
    float[] logits = {5, 1, 2};
    Sampled sampled =
        new Sampler(3)
            .sample(
                SamplingParams.GREEDY,
                (tokens, row) -> {
                  assertThat(tokens.size()).isEqualTo(2);
                  assertThat(tokens.get(1)).isEqualTo(8);
                  row[0] = Float.NEGATIVE_INFINITY;
                },
                new TokenList(9, 8),
                logits,
                0);
    assertThat(sampled.token()).isEqualTo(2);
    assertThat(logits).containsExactly(5, 1, 2);
  }

  @Test
  void whatCannotBeSampledIsATypedError() {
    Sampler sampler = new Sampler(2);
    assertThatThrownBy(
            () ->
                sampler.sample(SamplingParams.GREEDY, null, NOTHING, new float[] {1, Float.NaN}, 0))
        .isInstanceOf(NonFiniteLogitsException.class)
        .hasMessageContaining("token 1 at position 1");
    float[] fine = {1, 2};
    assertThatThrownBy(
            () ->
                sampler.sample(
                    SamplingParams.GREEDY,
                    (t, row) -> Arrays.fill(row, Float.NEGATIVE_INFINITY),
                    NOTHING,
                    fine,
                    0))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(
            () ->
                sampler.sample(
                    SamplingParams.GREEDY, (t, row) -> row[0] = Float.NaN, NOTHING, fine, 0))
        .isInstanceOf(CallbackException.class);
    assertThatThrownBy(
            () ->
                sampler.sample(
                    SamplingParams.GREEDY,
                    (t, row) -> {
                      throw new IllegalStateException("mine");
                    },
                    NOTHING,
                    fine,
                    0))
        .isInstanceOf(CallbackException.class)
        .hasRootCauseMessage("mine");
  }

  @Test
  void settingsOutsideTheirRangeAreRefusedByName() {
    assertThatThrownBy(() -> new Params().topP(0).params())
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("topP");
    assertThatThrownBy(() -> new Params().temperature(Float.NaN).params())
        .hasMessageContaining("temperature");
    assertThatThrownBy(() -> new Params().bias(1, Float.NaN).params())
        .hasMessageContaining("logitBias");
  }

  /** The whole chain against one that sorts everything and keeps lists. */
  @Property(tries = 300)
  void equalsANaiveChain(
      @ForAll @IntRange(min = 1, max = 60) int vocabulary,
      @ForAll @IntRange(min = 0, max = 70) int topK,
      @ForAll @FloatRange(min = 0.01f, max = 1) float topP,
      @ForAll @FloatRange(min = 0, max = 1) float minP,
      @ForAll @FloatRange(min = 0.1f, max = 3) float temperature,
      @ForAll long seed) {
    float[] logits = random(vocabulary, seed);
    // Ties, so that their order is tested too.
    for (int i = 0; i + 3 < vocabulary; i += 5) {
      logits[i + 3] = logits[i];
    }
    SamplingParams params =
        new Params()
            .topK(topK)
            .topP(topP)
            .minP(minP)
            .temperature(temperature)
            .params()
            .withSeed(seed);
    int token = new Sampler(vocabulary).sample(params, null, NOTHING, logits, 0).token();
    assertThat(token).isEqualTo(naive(params, logits));
  }

  private static int naive(SamplingParams params, float[] logits) {
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < logits.length; i++) {
      ids.add(i);
    }
    Comparator<Integer> best = Comparator.comparing(i -> -logits[i]);
    boolean topK = params.topK() > 0 && params.topK() < logits.length;
    if (topK || params.topP() < 1) {
      ids.sort(best.thenComparing(i -> i));
    }
    if (topK) {
      ids = ids.subList(0, params.topK());
    }
    double max = logits[Collections.min(ids, best)];
    if (params.topP() < 1) {
      double sum = sumById(ids, logits, max, topK);
      double reached = 0;
      int kept = 0;
      while (kept < ids.size() && (kept == 0 || reached < params.topP() * sum)) {
        reached += Exp.ofNonPositive(logits[ids.get(kept++)] - max);
      }
      ids = ids.subList(0, kept);
    }
    List<Integer> left = new ArrayList<>(ids);
    left.removeIf(i -> params.minP() > 0 && logits[i] < max + StrictMath.log(params.minP()));
    double sum = 0;
    for (int id : left) {
      sum += Exp.ofNonPositive((logits[id] - max) / params.temperature());
    }
    double target = Draw.uniform(params.seed(), 1) * sum;
    double reached = 0;
    for (int id : left) {
      reached += Exp.ofNonPositive((logits[id] - max) / params.temperature());
      if (reached > target) {
        return id;
      }
    }
    return left.get(left.size() - 1);
  }

  private static double sumById(List<Integer> ids, float[] logits, double max, boolean sorted) {
    List<Integer> order = new ArrayList<>(ids);
    if (!sorted) {
      Collections.sort(order);
    }
    double sum = 0;
    for (int id : order) {
      sum += Exp.ofNonPositive(logits[id] - max);
    }
    return sum;
  }

  private static Set<Integer> possible(Params params, float... logits) {
    Set<Integer> tokens = new HashSet<>();
    Sampler sampler = new Sampler(logits.length);
    for (int seed = 0; seed < 300; seed++) {
      tokens.add(at(sampler, params.params().withSeed(seed), 1, logits));
    }
    return tokens;
  }

  private static int sample(SamplingParams params, float... logits) {
    return sample(params, NOTHING, logits);
  }

  private static int sample(SamplingParams params, TokenList tokens, float... logits) {
    return new Sampler(logits.length).sample(params, null, tokens, logits, 0).token();
  }

  private static float[] logs(double... probabilities) {
    float[] logits = new float[probabilities.length];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) Math.log(probabilities[i]);
    }
    return logits;
  }

  private static float[] random(int count, long seed) {
    Random random = new Random(seed);
    float[] logits = new float[count];
    for (int i = 0; i < count; i++) {
      logits[i] = (float) random.nextGaussian() * 3;
    }
    return logits;
  }

  /** Nothing truncated, nothing penalised, unless said. */
  private static final class Params {
    private float temperature = 1;
    private int topK;
    private float topP = 1;
    private float minP;
    private float repeat = 1;
    private float frequency;
    private float presence;
    private Map<Integer, Float> bias = Map.of();
    private int logprobs = SamplingParams.NO_LOGPROBS;

    Params temperature(float value) {
      temperature = value;
      return this;
    }

    Params topK(int value) {
      topK = value;
      return this;
    }

    Params topP(float value) {
      topP = value;
      return this;
    }

    Params minP(float value) {
      minP = value;
      return this;
    }

    Params repeatPenalty(float value) {
      repeat = value;
      return this;
    }

    Params frequencyPenalty(float value) {
      frequency = value;
      return this;
    }

    Params presencePenalty(float value) {
      presence = value;
      return this;
    }

    Params bias(int token, float value) {
      bias = Map.of(token, value);
      return this;
    }

    Params logprobs(int count) {
      logprobs = count;
      return this;
    }

    SamplingParams params() {
      return new SamplingParams(
          temperature, topK, topP, minP, repeat, frequency, presence, bias, 1, logprobs);
    }
  }
}
