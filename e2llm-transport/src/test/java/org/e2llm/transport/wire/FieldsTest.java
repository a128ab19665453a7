package org.e2llm.transport.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.e2llm.InvalidRequestException;
import org.e2llm.cluster.ProtocolException;
import org.junit.jupiter.api.Test;

class FieldsTest {
  private enum Colour {
    RED,
    GREEN
  }

  @Test
  void whatIsWrittenIsReadBack() throws Exception {
    InetSocketAddress v4 =
        new InetSocketAddress(InetAddress.getByAddress(new byte[] {10, 0, 0, 7}), 65535);
    InetSocketAddress v6 = new InetSocketAddress(InetAddress.getByName("2001:db8::1"), 0);
    ByteBuffer tail = ByteBuffer.wrap(new byte[] {9, 8, 7});
    tail.position(1);
    FieldReader in =
        new FieldReader(
            new FieldWriter(1)
                .u8(255)
                .u16(65535)
                .u32(0xffff_ffffL)
                .i32(Integer.MIN_VALUE)
                .i64(Long.MIN_VALUE)
                .f32(Float.intBitsToFloat(0x7fc0_0001))
                .f64(-0.0)
                .bool(true)
                .choice(Colour.GREEN)
                .string("grüße \uD83D\uDC4B")
                .count(2)
                .address(v4)
                .address(v6)
                .bytes(tail)
                .payload());
    assertThat(in.u8("a")).isEqualTo(255);
    assertThat(in.u16("b")).isEqualTo(65535);
    assertThat(in.u32("c")).isEqualTo(0xffff_ffffL);
    assertThat(in.i32("d")).isEqualTo(Integer.MIN_VALUE);
    assertThat(in.i64("e")).isEqualTo(Long.MIN_VALUE);
    assertThat(Float.floatToRawIntBits(in.f32("f"))).isEqualTo(0x7fc0_0001);
    assertThat(in.f64("g")).isEqualTo(-0.0);
    assertThat(in.bool("h")).isTrue();
    assertThat(in.choice("i", Colour.values())).isEqualTo(Colour.GREEN);
    assertThat(in.string("j")).isEqualTo("grüße \uD83D\uDC4B");
    assertThat(in.count("k", 7)).isEqualTo(2);
    assertThat(in.address("l")).isEqualTo(v4);
    assertThat(in.address("l")).isEqualTo(v6);
    assertThat(in.view("m", 2)).isEqualTo(ByteBuffer.wrap(new byte[] {8, 7}));
    in.end("message");
    assertThat(tail.position()).isEqualTo(1);
  }

  @Test
  void everyFieldThatIsCutNamesItself() {
    FieldReader empty = new FieldReader(ByteBuffer.allocate(0));
    refused(() -> empty.u8("age"), "age needs 1 bytes, but only 0 are left");
    refused(() -> empty.u16("age"), "age needs 2");
    refused(() -> empty.u32("age"), "age needs 4");
    refused(() -> empty.i64("age"), "age needs 8");
    refused(() -> empty.f64("age"), "age needs 8");
    refused(() -> empty.string("age"), "age needs 2");
    refused(() -> empty.address("age"), "age needs 1");
    refused(() -> empty.view("age", 1), "age needs 1");
    refused(() -> empty.view("age", -1), "age needs -1");
  }

  @Test
  void stringsAreShortAndWellFormed() {
    refused(
        () -> reader(new FieldWriter(8).u16(1025).bytes(new byte[1025])).string("name"),
        "name is 1025, expected is 0 to 1024");
    refused(
        () -> reader(new FieldWriter(8).u16(5).bytes(new byte[4])).string("name"),
        "name needs 5 bytes, but only 4");
    refused(
        () -> reader(new FieldWriter(8).u16(2).bytes(new byte[] {(byte) 0xc3, 'a'})).string("name"),
        "name is no well-formed UTF-8");
    assertThat(reader(new FieldWriter(8).string("x".repeat(1024))).string("name")).hasSize(1024);
    assertThatThrownBy(() -> new FieldWriter(8).string("ü".repeat(513)))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("1026 bytes");
  }

  @Test
  void countsAreHeldAgainstWhatIsLeft() {
    refused(
        () -> reader(new FieldWriter(8).u32(0xffff_ffffL).i64(0)).count("layers", 1),
        "layers is 4294967295");
    refused(
        () -> reader(new FieldWriter(8).u32(3).i64(0)).count("layers", 4),
        "layers says 3 elements of at least 4 bytes, but only 8 bytes are left");
    refused(
        () -> reader(new FieldWriter(8).u32(2).i64(0)).count("layers", 4, 1),
        "layers is 2, expected is 0 to 1");
    assertThat(reader(new FieldWriter(8).u32(2).i64(0)).count("layers", 4)).isEqualTo(2);
  }

  @Test
  void whatIsOutOfRangeIsRefused() {
    refused(() -> reader(new FieldWriter(8).u8(2)).bool("on"), "on is 2, expected is 0 to 1");
    refused(
        () -> reader(new FieldWriter(8).u8(2)).choice("colour", Colour.values()),
        "colour is 2, expected is 0 to 1");
    refused(
        () -> reader(new FieldWriter(8).i32(-1)).i32("layer", 0, 10),
        "layer is -1, expected is 0 to 10");
    refused(
        () -> reader(new FieldWriter(8).i64(11)).i64("layer", 0, 10),
        "layer is 11, expected is 0 to 10");
    refused(
        () -> reader(new FieldWriter(8).u8(5).bytes(new byte[7])).address("at"),
        "at has 5 bytes, expected are 4 or 16");
    refused(() -> reader(new FieldWriter(8).u8(1)).end("greeting"), "greeting has 1 bytes after");
  }

  @Test
  void writerRefusesWhatDoesNotFitItsField() {
    assertThatThrownBy(() -> new FieldWriter(8).u8(256))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new FieldWriter(8).u16(-1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new FieldWriter(ByteBuffer.allocate(3)).i32(1))
        .isInstanceOf(BufferOverflowException.class);
    assertThatThrownBy(
            () -> new FieldWriter(8).address(InetSocketAddress.createUnresolved("nowhere", 1)))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("nowhere");
  }

  @Test
  void writerIsUsedAgainWithoutGrowing() {
    FieldWriter out = new FieldWriter(16);
    ByteBuffer first = out.i64(1).i64(2).payload();
    ByteBuffer second = out.clear().i64(3).payload();
    assertThat(second).isSameAs(first);
    assertThat(second.remaining()).isEqualTo(8);
  }

  private static FieldReader reader(FieldWriter written) {
    return new FieldReader(written.payload());
  }

  private static void refused(ThrowingCallable reading, String message) {
    assertThatThrownBy(reading).isInstanceOf(ProtocolException.class).hasMessageContaining(message);
  }
}
