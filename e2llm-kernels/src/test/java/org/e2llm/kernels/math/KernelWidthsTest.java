package org.e2llm.kernels.math;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every vector width, in a JVM of its own, interpreted, compiled at once, and hot. Widths this
 * machine lacks are emulated by the JDK, slowly, with the same results.
 */
class KernelWidthsTest {
  @ParameterizedTest
  @CsvSource({
    "vector128, -Xint, 1",
    "vector256, -Xint, 1",
    "vector512, -Xint, 1",
    "vector128, -XX:TieredStopAtLevel=1, 2",
    "vector256, -XX:TieredStopAtLevel=1, 2",
    "vector512, -XX:TieredStopAtLevel=1, 2",
    "vector128, -XX:-TieredCompilation, 20",
    "vector256, -XX:-TieredCompilation, 20",
    "vector128, -XX:+TieredCompilation, 40",
    "vector256, -XX:+TieredCompilation, 40",
    "vector512, -XX:+TieredCompilation, 10"
  })
  void givesTheScalarBits(String width, String compilation, String rounds) throws Exception {
    List<String> flags = new ArrayList<>(ChildJvm.VECTORS);
    flags.add(compilation);
    flags.add("-De2llm.kernels=" + width);
    assertThat(ChildJvm.run(flags, KernelParity.class, rounds))
        .contains(width + " agrees")
        .endsWith("exit 0");
  }
}
