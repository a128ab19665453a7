package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.StagePlan;
import org.e2llm.transport.stage.PromptFill.Next;

/** What a session waits for whose KV another replica computes, and for how long. */
class PromptFillProperties {
  private static final List<StagePlan> STAGES =
      List.of(
          new StagePlan("a", LayerRange.of(0, 2)),
          new StagePlan("b", LayerRange.of(2, 5)),
          new StagePlan("c", LayerRange.of(5, 6)));

  private static PromptFill ready(int from, int to) {
    PromptFill fill = new PromptFill(STAGES, from, to, 0);
    for (StagePlan stage : STAGES) {
      assertThat(fill.next(0)).isEqualTo(Next.WAIT);
      fill.held(stage.device(), stage.layers().from(), from, 0);
    }
    return fill;
  }

  @Example
  void thePromptHostIsAskedOnceAllStagesAreReadyAndOnlyThen() {
    PromptFill fill = ready(7, 100);
    assertThat(fill.next(0)).isEqualTo(Next.ASK);
    assertThat(fill.next(0)).isEqualTo(Next.WAIT);
    assertThat(fill.prefix()).isEqualTo(7);
  }

  @Example
  void aPromptThatWaitsLongInAQueueIsComputedHere() {
    PromptFill fill = ready(0, 100);
    assertThat(fill.next(1)).isEqualTo(Next.ASK);
    assertThat(fill.next(PromptFill.CHUNK)).isEqualTo(Next.WAIT);
    assertThat(fill.next(1 + PromptFill.CHUNK)).isEqualTo(Next.END);
    assertThat(fill.reason()).contains("30 s");
  }

  @Example
  void aChunkMayTakeLongerThanAPiece() {
    PromptFill fill = ready(0, 100);
    assertThat(fill.next(0)).isEqualTo(Next.ASK);
    fill.computed(0, 1);
    assertThat(fill.next(PromptFill.CHUNK)).isEqualTo(Next.WAIT);
    fill.computed(50, PromptFill.CHUNK);
    assertThat(fill.next(2 * PromptFill.CHUNK - 1)).isEqualTo(Next.WAIT);
    fill.computed(100, 2 * PromptFill.CHUNK - 1);
    assertThat(fill.next(2 * PromptFill.CHUNK - 1 + PromptFill.PIECE)).isEqualTo(Next.END);
  }

  @Example
  void whatRepeatsItselfIsNoProgress() {
    PromptFill fill = ready(0, 100);
    assertThat(fill.next(0)).isEqualTo(Next.ASK);
    fill.computed(100, 0);
    for (long now = 0; now < PromptFill.PIECE; now += PromptFill.PIECE / 10) {
      fill.computed(100, now);
      fill.held("a", 0, 0, now);
      assertThat(fill.next(now)).isEqualTo(Next.WAIT);
    }
    assertThat(fill.next(PromptFill.PIECE)).isEqualTo(Next.END);
  }

  @Property
  void theprefixIsWhatAllStagesHoldAndNobodyElseCounts(@ForAll Random random) {
    int from = random.nextInt(50);
    int to = from + 1 + random.nextInt(500);
    PromptFill fill = ready(from, to);
    assertThat(fill.next(0)).isEqualTo(Next.ASK);
    int[] held = {from, from, from};
    for (int i = 0; i < 40 && !fill.isComplete(); i++) {
      int stage = random.nextInt(3);
      int position = random.nextInt(to + 20);
      switch (random.nextInt(4)) {
        case 0 -> fill.held("stranger", STAGES.get(stage).layers().from(), position, i);
        case 1 -> fill.held(STAGES.get(stage).device(), 3, position, i);
        default -> {
          fill.held(STAGES.get(stage).device(), STAGES.get(stage).layers().from(), position, i);
          if (position <= to) {
            held[stage] = Math.max(held[stage], position);
          }
        }
      }
      int least = Math.min(held[0], Math.min(held[1], held[2]));
      assertThat(fill.prefix()).isEqualTo(least);
      assertThat(fill.next(i)).isEqualTo(least == to ? Next.END : Next.WAIT);
    }
    if (!fill.isComplete()) {
      fill.failed("first");
      fill.failed("second");
      assertThat(fill.next(40)).isEqualTo(Next.END);
      assertThat(fill.reason()).isEqualTo("first");
    }
  }
}
