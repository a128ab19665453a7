package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** The input of a stage, as far as memory goes. */
class JournalProperties {
  private static final int WIDTH = 3;
  private static final int PAGE_BYTES = 64 * WIDTH * 4;

  /** Rows of positions {@code [from, to)}: every number says where it belongs. */
  private static float[] rows(int from, int to) {
    float[] rows = new float[(to - from) * WIDTH];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = from * WIDTH + i;
    }
    return rows;
  }

  private static JournalMemory memory(long bytes) {
    JournalMemory memory = new JournalMemory();
    memory.limit(bytes);
    return memory;
  }

  @Property(tries = 200)
  void whatWasTakenInIsReadInAnyPieces(@ForAll Random random) {
    JournalMemory memory = memory(1 << 20);
    Journal journal = new Journal(WIDTH, memory);
    for (int i = 0; i < 10; i++) {
      int more = 1 + random.nextInt(100);
      journal.add(journal.length(), rows(journal.length(), journal.length() + more), 0, more);
      if (random.nextInt(4) == 0) {
        journal.truncate(random.nextInt(journal.length() + 1));
      }
      int from = random.nextInt(journal.length() + 1);
      int to = from + random.nextInt(journal.length() - from + 1);
      float[] into = new float[(2 + to - from) * WIDTH];
      journal.read(from, to, into, 2);
      assertThat(into).endsWith(rows(from, to));
      int pages = (journal.length() + 63) / 64;
      assertThat(memory.used()).isEqualTo((long) pages * PAGE_BYTES);
    }
    journal.close();
    assertThat(memory.used()).isZero();
  }

  @Example
  void withoutMemoryThereIsNone() {
    JournalMemory memory = memory(PAGE_BYTES);
    Journal journal = new Journal(WIDTH, memory);
    Journal other = new Journal(WIDTH, memory);
    journal.add(0, rows(0, 64), 0, 64);
    other.add(0, rows(0, 1), 0, 1);
    assertThat(journal.length()).isEqualTo(64);
    assertThat(other.length()).isZero();
    journal.add(64, rows(64, 65), 0, 1);
    assertThat(journal.length()).isZero();
    assertThat(memory.used()).isZero();
    journal.add(0, rows(0, 1), 0, 1); // it has missed something
    assertThat(journal.length()).isZero();
  }

  @Example
  void aGapEndsIt() {
    JournalMemory memory = memory(1 << 20);
    Journal journal = new Journal(WIDTH, memory);
    journal.add(0, rows(0, 10), 0, 10);
    journal.add(11, rows(11, 12), 0, 1);
    assertThat(journal.length()).isZero();
    assertThat(memory.used()).isZero();
  }
}
