package org.e2llm.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.e2llm.NonFiniteLogitsException;
import org.e2llm.model.LayerRange;
import org.e2llm.testing.FakeStage;
import org.e2llm.testing.FakeTokenizer;
import org.e2llm.text.SamplingParams;
import org.junit.jupiter.api.Test;

class StageChainTest {
  private static final int LAYERS = 5;
  private static final SamplingSpec GREEDY = new SamplingSpec(SamplingParams.GREEDY, null);
  private static final int[] PROMPT = {256, 'o', 'n', 'c', 'e', ' ', 'u', 'p', 'o', 'n'};

  @Property(tries = 60)
  void howeverLayersAreCutTheTokensAreTheSame(
      @ForAll @IntRange(min = 1, max = 4) int first,
      @ForAll @IntRange(min = 0, max = 5) int second) {
    Replica whole = replica();
    Replica cut = replica(first, Math.max(first, second));
    assertThat(generate(cut, 20)).isEqualTo(generate(whole, 20));
  }

  @Property(tries = 60)
  void kvExportedAndImportedHalfWayGoesOnAsIfNothingHadHappened(
      @ForAll @IntRange(min = 1, max = 4) int from,
      @ForAll @IntRange(min = 1, max = 4) int to,
      @ForAll @IntRange(min = 1, max = 9) int piece) {
    Replica there = replica(from);
    int[] expected = generate(replica(), 24);

    ReplicaSession source = there.open(1, 0, 100);
    source.begin(PROMPT, GREEDY, null);
    int[] known = decode(there, source, PROMPT, 10);

    Replica here = replica(to);
    ReplicaSession target = here.open(9, 0, 100);
    for (int p = 0; p < source.length(); p += piece) {
      int end = Math.min(source.length(), p + piece);
      // In shares of layers that fit neither side's stages.
      target.importKv(source.exportKv(LayerRange.of(0, 2), p, end));
      target.importKv(source.exportKv(LayerRange.of(2, LAYERS), p, end));
      assertThat(target.length()).isEqualTo(end);
    }
    target.begin(known, GREEDY, null);
    assertThat(decode(here, target, known, 24)).isEqualTo(expected);
  }

  @Test
  void stagesThatDoNotGoOnWhereTheLastEndedAreRefused() {
    assertThatThrownBy(() -> new StageChain(List.of(stage(0, 2), stage(3, 5))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[3, 5) does not go on after [0, 2)");
    assertThatThrownBy(() -> new LocalReplica(stage(0, 2), FakeTokenizer.VOCABULARY))
        .hasMessageContaining("not a whole model");
  }

  @Test
  void aSessionThatFailsToOpenOnOneStageIsOpenOnNone() {
    FakeStage first = stage(0, 2);
    FakeStage second = stage(2, LAYERS);
    second.open(1, 0, 10);
    StageChain chain = new StageChain(List.of(first, second));
    assertThatThrownBy(() -> chain.open(1, 0, 10)).isInstanceOf(IllegalStateException.class);
    assertThat(first.openSessions()).isZero();
  }

  @Test
  void logitsThatAreNotFiniteEndTheirSessionAlone() {
    Replica replica = replica();
    replica.open(1, 0, 10).begin(new int[] {'a', FakeTokenizer.NAN}, GREEDY, null);
    replica.open(2, 0, 10).begin(new int[] {'a', 'b'}, GREEDY, null);
    List<SliceOutput> outputs =
        replica
            .step(
                Batch.ofTokens(
                    List.of(slice(1, 0, 2), slice(2, 0, 2)),
                    new int[] {'a', FakeTokenizer.NAN, 'a', 'b'}))
            .toCompletableFuture()
            .join();
    assertThat(outputs.get(0).error()).isInstanceOf(NonFiniteLogitsException.class);
    assertThat(outputs.get(1).error()).isNull();
    assertThat(outputs.get(1).token()).isNotNull();
  }

  @Test
  void aSessionThatDoesNotSampleGivesTheLogitsItAskedFor() {
    Replica replica = replica(2);
    replica.open(1, 0, 10);
    replica.open(2, 0, 10).begin(new int[] {'x'}, GREEDY, null);
    Batch.Slice all = new Batch.Slice(1, 0, 0, 3, Batch.Logits.ALL);
    List<SliceOutput> outputs =
        replica
            .step(Batch.ofTokens(List.of(slice(2, 0, 1), all), new int[] {'x', 'a', 'b', 'c'}))
            .toCompletableFuture()
            .join();
    SliceOutput.Logits logits = outputs.get(1).logits();
    assertThat(logits.rows()).isEqualTo(3);
    assertThat(logits.offset()).isEqualTo(FakeTokenizer.VOCABULARY);
    assertThat(outputs.get(0).logits()).isNull();
  }

  private static int[] generate(Replica replica, int upTo) {
    ReplicaSession session = replica.open(1, 0, 100);
    session.begin(PROMPT, GREEDY, null);
    return decode(replica, session, PROMPT, upTo);
  }

  /** Feeds what is known and not yet held, then decodes until {@code upTo} tokens are known. */
  private static int[] decode(Replica replica, ReplicaSession session, int[] known, int upTo) {
    int[] tokens = known;
    while (tokens.length < upTo) {
      int[] fed = Arrays.copyOfRange(tokens, session.length(), tokens.length);
      Batch batch = Batch.ofTokens(List.of(slice(session.id(), session.length(), fed.length)), fed);
      SliceOutput output = replica.step(batch).toCompletableFuture().join().get(0);
      tokens = Arrays.copyOf(tokens, tokens.length + 1);
      tokens[tokens.length - 1] = output.token().token();
    }
    return tokens;
  }

  private static Batch.Slice slice(long session, int start, int length) {
    return new Batch.Slice(session, 0, start, length, Batch.Logits.LAST);
  }

  private static Replica replica(int... cuts) {
    List<Stage> stages = new ArrayList<>();
    int from = 0;
    for (int cut : cuts) {
      if (cut > from && cut < LAYERS) {
        stages.add(stage(from, cut));
        from = cut;
      }
    }
    stages.add(stage(from, LAYERS));
    return new LocalReplica(new StageChain(stages), FakeTokenizer.VOCABULARY);
  }

  private static FakeStage stage(int from, int to) {
    return new FakeStage(LayerRange.of(from, to), LAYERS, 64, batch -> {});
  }
}
