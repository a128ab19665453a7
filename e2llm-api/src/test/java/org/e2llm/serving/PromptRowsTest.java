package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PromptRowsTest {
  @Test
  void manyRowsLeaveTimeForPausesThatNobodyKnowsOf() {
    assertThat(PromptRows.inTime(512, 1, 200, rows -> 0.01 * rows)).isEqualTo(85);
    assertThat(PromptRows.inTime(64, 1, 200, rows -> 0.01 * rows)).isEqualTo(64);
  }

  @Test
  void ofFewRowsOneMoreIsWorthMostOfThatTime() {
    assertThat(PromptRows.inTime(512, 1, 200, rows -> 0.225 * rows)).isEqualTo(4); // 0.9 s
    assertThat(PromptRows.inTime(512, 1, 200, rows -> 0.11 * rows)).isEqualTo(8);
    assertThat(PromptRows.inTime(512, 1, 200, rows -> 0.0945 * rows)).isEqualTo(10);
  }

  @Test
  void butNotWhereAnswersAreShort() {
    assertThat(PromptRows.inTime(512, 1, 41, rows -> 0.225 * rows)).isEqualTo(4); // 0.9 s
    assertThat(PromptRows.inTime(512, 1, 39, rows -> 0.225 * rows)).isEqualTo(3);
    assertThat(PromptRows.inTime(512, 1, 2, rows -> 0.212 * rows)).isEqualTo(4);
  }

  @Test
  void oneRowIsBetterThanNone() {
    assertThat(PromptRows.inTime(512, 1, 200, rows -> 0.97 * rows)).isEqualTo(1);
    assertThat(PromptRows.inTime(512, 1, 200, rows -> 0.99 * rows)).isEqualTo(0);
    assertThat(PromptRows.justInTime(512, 1, rows -> 0.139 * rows)).isEqualTo(7);
  }
}
