package org.e2llm.kernels.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.e2llm.ModelFormatException;
import org.junit.jupiter.api.Test;

class GgufMetadataTest {
  private static GgufMetadata of(String key, Object value) {
    return GgufMetadata.of(Map.of(key, value));
  }

  private static void assertRefused(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(ModelFormatException.class).hasMessage(message);
  }

  @Test
  void anIntegerOfAnyWidthIsReadWhereItFits() {
    for (MetadataType type : MetadataType.values()) {
      if (type.isInteger()) {
        GgufMetadata metadata = of("k", new MetadataValue(type, 100L));
        assertThat(metadata.integer("k")).as(type.label()).isEqualTo(100);
        assertThat(metadata.longInteger("k")).isEqualTo(100);
        assertThat(metadata.number("k")).isEqualTo(100f);
      }
    }
    assertRefused(
        () -> of("k", 1L << 31).integer("k"),
        "metadata k is 2147483648, beyond the limit of 2147483647");
  }

  @Test
  void anUnsignedLongBeyondTheLimitIsNoNegativeNumber() {
    GgufMetadata metadata = of("k", new MetadataValue(MetadataType.UINT64, -1L));
    assertThat(metadata.value("k")).isEqualTo(new BigInteger("18446744073709551615"));
    assertThat(metadata.number("k")).isEqualTo(0x1p64f);
    assertRefused(
        () -> metadata.longInteger("k"),
        "metadata k is 18446744073709551615, beyond the limit of 9223372036854775807");
  }

  @Test
  void aNumberIsFiniteAndOfAnyWidth() {
    assertThat(of("k", 1e-6).number("k")).isEqualTo(1e-6f);
    assertThat(of("k", 0.5f).number("k")).isEqualTo(0.5f);
    assertRefused(
        () -> of("k", 1e300).number("k"), "metadata k is 1.0E300, expected a finite 32-bit number");
    assertRefused(
        () -> of("k", Float.NaN).number("k"), "metadata k is NaN, expected a finite 32-bit number");
  }

  @Test
  void aWrongTypeIsNamedWithWhatWasExpected() {
    assertRefused(() -> of("k", 1).string("k"), "metadata k is u32, expected string");
    assertRefused(() -> of("k", "1").integer("k"), "metadata k is string, expected integer");
    assertRefused(() -> of("k", 1.0f).integer("k"), "metadata k is f32, expected integer");
    assertRefused(() -> of("k", true).number("k"), "metadata k is bool, expected number");
    assertRefused(() -> of("k", 1).bool("k"), "metadata k is u32, expected bool");
    assertRefused(
        () -> of("k", new float[3]).integers("k"),
        "metadata k is array of 3 f32, expected array of integers");
    assertRefused(
        () -> of("k", List.of("a")).numbers("k"),
        "metadata k is array of 1 string, expected array of numbers");
    assertRefused(
        () -> of("k", new int[2]).strings("k"),
        "metadata k is array of 2 i32, expected array of strings");
    assertRefused(() -> of("k", "a").string("l"), "metadata l is missing, expected string");
  }

  @Test
  void aFallbackStandsInForAnAbsentKeyOnly() {
    GgufMetadata metadata = of("k", "text");
    assertThat(metadata.integer("absent", 7)).isEqualTo(7);
    assertThat(metadata.number("absent", 7)).isEqualTo(7);
    assertThat(metadata.bool("absent", true)).isTrue();
    assertThat(metadata.string("absent", "x")).isEqualTo("x");
    assertThatThrownBy(() -> metadata.integer("k", 7)).isInstanceOf(ModelFormatException.class);
  }

  @Test
  void oneIntegerOrOnePerLayerIsTheSameToTheCaller() {
    assertThat(of("k", 4).integersPerLayer("k", 3)).containsExactly(4, 4, 4);
    assertThat(of("k", new int[] {1, 2, 3}).integersPerLayer("k", 3)).containsExactly(1, 2, 3);
    assertRefused(
        () -> of("k", new int[] {1, 2}).integersPerLayer("k", 3),
        "metadata k has 2 elements for 3 layers");
  }

  @Test
  void arraysOfEveryWidthAreIntegersAndNumbers() {
    assertThat(of("k", MetadataValue.array(MetadataType.UINT8, new byte[] {-1})).integers("k"))
        .containsExactly(255);
    assertThat(of("k", MetadataValue.array(MetadataType.UINT16, new short[] {-1})).integers("k"))
        .containsExactly(65535);
    assertThat(of("k", MetadataValue.array(MetadataType.INT64, new long[] {-3})).integers("k"))
        .containsExactly(-3);
    assertThat(of("k", new boolean[] {true, false}).integers("k")).containsExactly(1, 0);
    assertThat(of("k", new double[] {0.5}).numbers("k")).containsExactly(0.5f);
    assertThat(of("k", MetadataValue.array(MetadataType.UINT32, new int[] {-1})).numbers("k"))
        .containsExactly(0x1p32f);
    assertRefused(
        () -> of("k", MetadataValue.array(MetadataType.UINT32, new int[] {-1})).integers("k"),
        "metadata k[0] is 4294967295, beyond the range of an int");
  }

  @Test
  void whatACallerChangesIsACopy() {
    GgufMetadata metadata = of("k", new int[] {1});
    metadata.integers("k")[0] = 9;
    assertThat(metadata.integers("k")).containsExactly(1);
  }

  @Test
  void tokensThatAreNoUtf8KeepTheirBytes() {
    StringArray tokens =
        new StringArray(new byte[] {'a', (byte) 0xff, (byte) 0xc3}, new int[] {1, 3});
    assertThat(tokens.get(1)).isEqualTo("\ufffd\ufffd");
    assertThat(tokens.bytes(1)).containsExactly(0xff, 0xc3);
    assertThat(tokens.bytes(0)).isEqualTo("a".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void keysStayInOrder() {
    Map<String, Object> values = new LinkedHashMap<>();
    for (String key : List.of("z", "a", "m")) {
      values.put(key, 1);
    }
    assertThat(GgufMetadata.of(values).keys()).containsExactly("z", "a", "m");
  }
}
