package org.e2llm.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;

class ExpTest {
  @Property
  void isTheExponentialToTheLastBits(@ForAll @DoubleRange(min = -699, max = 0) double x) {
    double expected = StrictMath.exp(x);
    assertThat(Exp.ofNonPositive(x)).isCloseTo(expected, within(expected * 1e-15));
  }

  @Test
  void isExactAtTheEnds() {
    assertThat(Exp.ofNonPositive(0)).isEqualTo(1);
    assertThat(Exp.ofNonPositive(-701)).isZero();
    assertThat(Exp.ofNonPositive(Double.NEGATIVE_INFINITY)).isZero();
  }
}
