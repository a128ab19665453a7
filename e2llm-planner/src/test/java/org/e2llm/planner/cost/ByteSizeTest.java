package org.e2llm.planner.cost;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "999, 999 B",
    "1000, 1.00 kB",
    "4200000, 4.20 MB",
    "85300000, 85.3 MB",
    "999600000, 1.00 GB",
    "6000000000, 6.00 GB",
    "20580000000, 20.6 GB",
    "-512000, -512 kB"
  })
  void isToldInTheUnitThatFits(long bytes, String text) {
    assertThat(ByteSize.text(bytes)).isEqualTo(text);
  }
}
