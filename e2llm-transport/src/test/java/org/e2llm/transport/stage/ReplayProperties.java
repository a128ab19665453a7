package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.e2llm.pipeline.Batch;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;

/** Who computes what again: never less than is needed, never more than another way would take. */
class ReplayProperties {
  private static final int KNOWN = 12;

  private static List<Replay.Held> held(Random random, int stages) {
    List<Replay.Held> held = new ArrayList<>();
    for (int i = 0; i < stages; i++) {
      int kv = random.nextInt(3) == 0 ? 0 : random.nextInt(KNOWN + 3);
      int journal = random.nextInt(2) == 0 ? 0 : random.nextInt(KNOWN + 3);
      held.add(new Replay.Held(kv, journal));
    }
    return held;
  }

  private static int[] layers(Random random, int stages) {
    return random.ints(stages, 1, 6).toArray();
  }

  /** Whether every stage has, or is fed, what it needs. */
  private static boolean works(Replay replay, List<Replay.Held> held) {
    for (int place = 0; place < held.size(); place++) {
      Replay.Held has = held.get(place);
      boolean lacksKv = replay.computesFrom(place) > has.kv();
      boolean lacksInput = replay.readsJournal(place) && has.journal() < replay.length();
      if (lacksKv || lacksInput) {
        return false;
      }
    }
    return replay.length() < KNOWN;
  }

  private static long work(Replay replay, int[] layers) {
    long work = 0;
    for (int place = 0; place < layers.length; place++) {
      work += (long) layers[place] * (KNOWN - replay.computesFrom(place));
    }
    return work;
  }

  @Property
  void noOtherReplayThatWorksTakesLess(@ForAll Random random) {
    int stages = 2 + random.nextInt(4);
    List<Replay.Held> held = held(random, stages);
    int[] layers = layers(random, stages);
    Replay found = Replay.plan(held, layers, KNOWN);
    assertThat(works(found, held)).as("%s of %s", found, held).isTrue();
    for (int length = 0; length < KNOWN; length++) {
      for (int first = 0; first < stages; first++) {
        for (int last = first - 1; last < stages; last++) {
          Replay other = new Replay(length, first, last);
          if (works(other, held)) {
            assertThat(work(found, layers))
                .as("%s and %s of %s", found, other, held)
                .isLessThanOrEqualTo(work(other, layers));
          }
        }
      }
    }
  }

  @Property
  void itIsReadAsItWasWritten(@ForAll Random random) {
    int stages = 2 + random.nextInt(4);
    Replay replay = Replay.plan(held(random, stages), layers(random, stages), KNOWN);
    if (replay.length() > 0) {
      FieldWriter out = new FieldWriter(16);
      replay.write(out);
      assertThat(Replay.read(new FieldReader(out.payload()), stages)).isEqualTo(replay);
    }
  }

  /** What one stage sends on is what the next one expects, and it has all that it sends. */
  @Property
  void neighboursAgreeOnTheRowsBetweenThem(@ForAll Random random) {
    int stages = 2 + random.nextInt(4);
    Replay replay = Replay.plan(held(random, stages), layers(random, stages), KNOWN);
    List<Batch.Slice> slices = new ArrayList<>();
    for (int start = 0; start < KNOWN; ) {
      int length = 1 + random.nextInt(KNOWN - start);
      slices.add(new Batch.Slice(7, 0, start, length, Batch.Logits.NONE));
      start += length;
    }
    for (Batch.Slice slice : slices) {
      int before = 0;
      for (int place = 0; place < stages; place++) {
        BatchRows rows = RowsOf.session(slice, replay, place);
        if (place > 0) {
          assertThat(rows.received(0)).isEqualTo(before);
        }
        int journal = replay.readsJournal(place) ? slice.length() : rows.received(0);
        int input = place == 0 ? slice.length() : journal;
        assertThat(rows.computed(0)).isLessThanOrEqualTo(input);
        assertThat(place == stages - 1 ? 0 : rows.sent(0)).isLessThanOrEqualTo(rows.computed(0));
        before = rows.sent(0);
      }
    }
  }
}
