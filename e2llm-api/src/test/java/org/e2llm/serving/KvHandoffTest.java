package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.e2llm.model.LayerRange;
import org.e2llm.serving.KvHandoff.Pair;
import org.e2llm.serving.KvHandoff.Piece;
import org.junit.jupiter.api.Test;

class KvHandoffTest {
  private static final List<Pair> PAIRS =
      KvHandoff.pairs(
          List.of(LayerRange.of(0, 12), LayerRange.of(12, 22)),
          List.of(LayerRange.of(0, 8), LayerRange.of(8, 16), LayerRange.of(16, 22)));

  @Test
  void everyOwnerPairHasTheLayersThatBothHave() {
    assertThat(PAIRS)
        .containsExactly(
            new Pair(0, 0, LayerRange.of(0, 8)),
            new Pair(0, 1, LayerRange.of(8, 12)),
            new Pair(1, 1, LayerRange.of(12, 16)),
            new Pair(1, 2, LayerRange.of(16, 22)));
  }

  @Test
  void aShortPromptGoesInOnePieceWhenItIsDone() {
    KvHandoff handoff = new KvHandoff(PAIRS, 100);
    handoff.computed(0, 64);
    assertThat(handoff.send()).isNull();
    handoff.computed(0, 100);
    assertThat(sendAll(handoff)).containsExactly(new Piece(0, 0, 100), new Piece(1, 0, 100));
    handoff.computed(1, 100);
    assertThat(sendAll(handoff)).containsExactly(new Piece(2, 0, 100), new Piece(3, 0, 100));
  }

  @Test
  void aLongPromptLeavesWhileItIsComputedAndTheSlowerTheLinkTheLargerThePieces() {
    KvHandoff handoff = new KvHandoff(PAIRS, 1000);
    handoff.computed(0, 128);
    List<Piece> first = sendAll(handoff);
    assertThat(first).containsExactly(new Piece(0, 0, 128), new Piece(1, 0, 128));
    handoff.computed(0, 256);
    handoff.computed(0, 512);
    assertThat(handoff.send()).as("a pair sends one piece at a time").isNull();
    handoff.arrived(first.get(1));
    assertThat(sendAll(handoff)).containsExactly(new Piece(1, 128, 512));
    assertThat(handoff.share()).isGreaterThan(0).isLessThan(0.128);
  }

  @Property(tries = 200)
  void everyPositionOfEveryLayerIsSentOnceAndOnlyWhenItIsThere(@ForAll long seed) {
    Random random = new Random(seed);
    int prompt = 1 + random.nextInt(2000);
    KvHandoff handoff = new KvHandoff(PAIRS, prompt);
    int[] computed = new int[2];
    int[] arrived = new int[PAIRS.size()];
    List<Piece> underWay = new ArrayList<>();
    while (!handoff.isComplete()) {
      int stage = random.nextInt(2);
      computed[stage] = Math.min(prompt, computed[stage] + random.nextInt(300));
      handoff.computed(stage, computed[stage]);
      for (Piece piece = handoff.send(); piece != null; piece = handoff.send()) {
        assertThat(piece.to()).isLessThanOrEqualTo(computed[handoff.pair(piece).fromStage()]);
        underWay.add(piece);
      }
      if (!underWay.isEmpty() && random.nextBoolean()) {
        Piece piece = underWay.remove(random.nextInt(underWay.size()));
        assertThat(piece.from()).isEqualTo(arrived[piece.pair()]);
        arrived[piece.pair()] = piece.to();
        handoff.arrived(piece);
      }
    }
    assertThat(underWay).isEmpty();
    assertThat(arrived).containsOnly(prompt);
    assertThat(handoff.share()).isEqualTo(1);
  }

  private static List<Piece> sendAll(KvHandoff handoff) {
    List<Piece> pieces = new ArrayList<>();
    for (Piece piece = handoff.send(); piece != null; piece = handoff.send()) {
      pieces.add(piece);
    }
    return pieces;
  }
}
