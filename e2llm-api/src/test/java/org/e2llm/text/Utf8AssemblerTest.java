package org.e2llm.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class Utf8AssemblerTest {
  @Test
  void aCharacterComesOnceItIsComplete() {
    Utf8Assembler assembler = new Utf8Assembler();
    byte[] smile = "😀".getBytes(StandardCharsets.UTF_8);
    assertThat(assembler.append(new byte[] {'a', smile[0]})).isEqualTo("a");
    assertThat(assembler.append(new byte[] {smile[1], smile[2]})).isEmpty();
    assertThat(assembler.append(new byte[] {smile[3], 'b'})).isEqualTo("😀b");
    assertThat(assembler.finish()).isEmpty();
  }

  @Test
  void leftoverBytesBecomeOneReplacementCharacter() {
    Utf8Assembler assembler = new Utf8Assembler();
    assertThat(assembler.append(new byte[] {(byte) 0xF0, (byte) 0x9F})).isEmpty();
    assertThat(assembler.finish()).isEqualTo("\uFFFD");
    assertThat(assembler.append(new byte[] {'x'})).isEqualTo("x");
  }

  @Property
  void anyBytesInAnyPiecesGiveWhatTheyGiveAsAWhole(@ForAll List<@Size(max = 9) byte[]> pieces) {
    assertThat(assemble(pieces)).isEqualTo(new String(join(pieces), StandardCharsets.UTF_8));
  }

  @Property
  void textInSingleBytesComesBackUnchanged(@ForAll @StringLength(max = 50) String any) {
    String text = new String(any.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    Utf8Assembler assembler = new Utf8Assembler();
    StringBuilder out = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      String piece = assembler.append(new byte[] {b});
      assertThat(piece.codePointCount(0, piece.length())).isLessThanOrEqualTo(1);
      out.append(piece);
    }
    assertThat(out.append(assembler.finish())).hasToString(text);
  }

  private static String assemble(List<byte[]> pieces) {
    Utf8Assembler assembler = new Utf8Assembler();
    StringBuilder text = new StringBuilder();
    for (byte[] piece : pieces) {
      text.append(assembler.append(piece));
    }
    return text.append(assembler.finish()).toString();
  }

  private static byte[] join(List<byte[]> pieces) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] piece : pieces) {
      out.write(piece, 0, piece.length);
    }
    return out.toByteArray();
  }
}
