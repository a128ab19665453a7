package org.e2llm.kernels.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;

class ElementaryTest {
  @Property(tries = 5000)
  void expIsWithinOneUlp(@ForAll @FloatRange(min = -104f, max = 89f) float x) {
    double exact = StrictMath.exp(x);
    float nearest = (float) exact;
    double ulp = Float.isInfinite(nearest) ? Math.ulp(Float.MAX_VALUE) : Math.ulp(nearest);
    float actual = Elementary.exp(x);
    if (Float.isInfinite(actual) || Float.isInfinite(nearest)) {
      assertThat(exact).isGreaterThan(Float.MAX_VALUE - 2 * ulp);
    } else {
      assertThat((double) actual).isEqualTo(exact, within(ulp));
    }
  }

  @Example
  void expIsWithinOneUlpOverTheWholeRange() {
    for (int i = 0; i <= 400_000; i++) {
      float x = -104f + i * (193f / 400_000);
      expIsWithinOneUlp(x);
    }
  }

  @Example
  void expReachesZeroAndInfinityAndKeepsNan() {
    assertThat(Elementary.exp(0f)).isEqualTo(1f);
    assertThat(Elementary.exp(-0f)).isEqualTo(1f);
    assertThat(Elementary.exp(88.7f)).isFinite();
    assertThat(Elementary.exp(88.73f)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Elementary.exp(Float.POSITIVE_INFINITY)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Elementary.exp(-103.9f)).isEqualTo(Float.MIN_VALUE);
    assertThat(Elementary.exp(-104f)).isZero();
    assertThat(Elementary.exp(Float.NEGATIVE_INFINITY)).isZero();
    assertThat(Elementary.exp(Float.NaN)).isNaN();
  }

  @Property
  void siluIsWhatItsFormulaSays(@ForAll @FloatRange(min = -80f, max = 80f) float v) {
    double exact = v / (1 + StrictMath.exp(-v));
    assertThat((double) Elementary.silu(v))
        .isEqualTo(exact, within(Math.abs(exact) * 3e-7 + 1e-40));
  }

  @Property
  void geluIsTheTanhForm(@ForAll @FloatRange(min = -10f, max = 10f) float v) {
    double u = Math.sqrt(2 / Math.PI) * (v + 0.044715 * Math.pow(v, 3));
    double exact = 0.5 * v * (1 + Math.tanh(u));
    assertThat((double) Elementary.gelu(v))
        .isEqualTo(exact, within(1e-6 * Math.max(1, Math.abs(v))));
  }

  @Example
  void halvesWidenAsTheJdkDoes() {
    for (int i = 0; i < 1 << 16; i++) {
      assertThat((Float) Half.toFloat((short) i))
          .isEqualTo((Float) Float.float16ToFloat((short) i));
    }
  }

  @Property(tries = 20_000)
  void halvesRoundAsTheJdkDoes(@ForAll int bits) {
    float x = Float.intBitsToFloat(bits);
    if (!Float.isNaN(x)) {
      assertThat(Half.fromFloat(x)).isEqualTo(Float.floatToFloat16(x));
    } else {
      assertThat(Half.toFloat(Half.fromFloat(x))).isNaN();
    }
  }

  @Property(tries = 20_000)
  void halvesRoundAsTheJdkDoesWithinTheirRange(
      @ForAll @FloatRange(min = -70000f, max = 70000f) float x) {
    assertThat(Half.fromFloat(x)).isEqualTo(Float.floatToFloat16(x));
    float small = x * 0x1p-30f;
    assertThat(Half.fromFloat(small)).isEqualTo(Float.floatToFloat16(small));
  }
}
