package org.e2llm.kernels.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import org.e2llm.E2llmException;
import org.e2llm.ModelFormatException;
import org.e2llm.UnsupportedModelException;
import org.e2llm.model.ModelSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A file that breaks the format ends in a typed error, and costs no more memory than its size. */
class HostileFileTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @TempDir Path folder;

  @Test
  void aFileCutAtAnyByteIsRefused() throws IOException {
    byte[] sound = Bytes.sound(folder);
    try (FileChannel channel = Bytes.channel(folder, sound)) {
      // The last tensor has 70 bytes, padded to 96.
      for (int length = 0; length < sound.length - 26; length++) {
        ModelSource cut = ModelSource.of(channel, 0, length);
        assertThatThrownBy(() -> GgufFile.open(cut))
            .as("cut at %d", length)
            .isInstanceOf(ModelFormatException.class);
      }
      assertThatCode(() -> GgufFile.open(ModelSource.of(channel, 0, sound.length)))
          .doesNotThrowAnyException();
    }
  }

  @Test
  void aFlippedByteGivesATypedErrorOrAnAnswerAndAllocatesLittle() throws IOException {
    byte[] sound = Bytes.sound(folder);
    try (FileChannel channel = Bytes.channel(folder, sound)) {
      read(channel, sound.length);
      for (int at = 0; at < sound.length; at++) {
        for (int flip : new int[] {1, 4, 0x80, 0xff}) {
          channel.write(ByteBuffer.wrap(new byte[] {(byte) (sound[at] ^ flip)}), at);
          long before = THREADS.getCurrentThreadAllocatedBytes();
          read(channel, sound.length);
          long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
          assertThat(allocated).as("byte %d ^ %d", at, flip).isLessThan(1 << 20);
        }
        channel.write(ByteBuffer.wrap(new byte[] {sound[at]}), at);
      }
    }
  }

  private static void read(FileChannel channel, int length) {
    try (GgufFile file = GgufFile.open(ModelSource.of(channel, 0, length));
        WeightSlice slice = file.map(name -> true)) {
      for (String name : file.tensors().keySet()) {
        slice.tensor(name).buffer(0);
      }
    } catch (E2llmException expected) {
      assertThat(expected).hasMessageNotContaining("null");
    }
  }

  @ParameterizedTest
  @ValueSource(
      longs = {Long.MAX_VALUE, Long.MAX_VALUE - 1, Long.MIN_VALUE, -1, 1L << 62, 1L << 32, 1000})
  void countsBeyondTheFileAreRefusedByName(long count) {
    assertThatThrownBy(() -> Bytes.header(count, 0).zeros(64).open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("tensor count is " + Long.toUnsignedString(count));
    assertThatThrownBy(() -> Bytes.header(0, count).zeros(64).open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("metadata count is " + Long.toUnsignedString(count));
    for (MetadataType type : MetadataType.values()) {
      Bytes array = Bytes.header(0, 1).key("k", MetadataType.ARRAY).u32(type.id()).u64(count);
      assertThatThrownBy(() -> array.zeros(64).open(folder))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("metadata k: array length is " + Long.toUnsignedString(count));
    }
  }

  @Test
  void stringsBeyondTheLimitOrTheFileAreRefused() {
    assertThatThrownBy(
            () -> Bytes.header(0, 1).key("k", MetadataType.STRING).u64((64 << 20) + 1).open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("metadata k: string of 67108865 bytes, beyond the limit of 67108864");
    assertThatThrownBy(
            () -> Bytes.header(0, 1).key("k", MetadataType.STRING).u64(9).zeros(8).open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("metadata k: string of 9 bytes, the rest of the file has 8");
    assertThatThrownBy(() -> Bytes.header(0, 1).u64(-1).zeros(64).open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("metadata key 0: string of 18446744073709551615 bytes");
  }

  @Test
  void unknownMetadataTypesAndBoolsAreRefused() {
    assertThatThrownBy(() -> Bytes.header(0, 1).string("k").u32(13).zeros(64).open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("metadata k: value type is 13, expected 0 to 12");
    assertThatThrownBy(() -> Bytes.header(0, 1).key("k", MetadataType.BOOL).u8(2).open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("metadata k: bool is 2");
  }

  @Test
  void arraysNestedTooDeepAreRefused() {
    Bytes bytes = Bytes.header(0, 1).key("k", MetadataType.ARRAY);
    for (int i = 0; i < 100_000; i++) {
      bytes.u32(MetadataType.ARRAY.id()).u64(1);
    }
    assertThatThrownBy(() -> bytes.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("metadata k: arrays are nested beyond the limit of 8");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 3, 12, 33, 100, Integer.MIN_VALUE})
  void badAlignmentIsRefused(int alignment) {
    Bytes bytes = Bytes.header(0, 1).key("general.alignment", MetadataType.INT32).u32(alignment);
    assertThatThrownBy(() -> bytes.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("general.alignment")
        .hasMessageContaining("found " + alignment);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 8, 24, 32, 64, 4096})
  void anySoundAlignmentIsRead(int alignment) {
    Bytes bytes =
        Bytes.header(1, 1)
            .key("general.alignment", MetadataType.UINT32)
            .u32(alignment)
            .tensor("t", 1, 0)
            .pad(alignment)
            .zeros(4);
    try (GgufFile file = bytes.open(folder)) {
      assertThat(file.tensors().get("t").offset()).isEqualTo(bytes.toArray().length - 4);
    }
  }

  @Test
  void namesThatAreThereTwiceAreRefused() {
    Bytes keys = Bytes.header(0, 2);
    keys.key("k", MetadataType.UINT8).u8(1).key("k", MetadataType.UINT8).u8(1);
    assertThatThrownBy(() -> keys.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("metadata k: the key is there twice");
    Bytes tensors = Bytes.header(2, 0).tensor("t", 1, 0).tensor("t", 1, 32).pad(32).zeros(64);
    assertThatThrownBy(() -> tensors.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("tensor t is there twice");
  }

  @Test
  void tensorsThatOverlapAreRefused() {
    Bytes bytes = Bytes.header(2, 0).tensor("a", 9, 0).tensor("b", 8, 32).pad(32).zeros(64);
    assertThatThrownBy(() -> bytes.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("tensor b: offset 32 lies inside tensor a");
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 32, 64, 1L << 40, Long.MAX_VALUE, Long.MIN_VALUE, -32})
  void tensorsOutsideTheFileAreRefused(long offset) {
    Bytes bytes = Bytes.header(1, 0).tensor("t", 8, offset).pad(32).zeros(32);
    assertThatThrownBy(() -> bytes.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("tensor t: offset " + Long.toUnsignedString(offset))
        .hasMessageContaining("32 bytes of tensor data");
  }

  @Test
  void shapesThatCannotBeAreRefused() {
    assertThatThrownBy(() -> Bytes.header(1, 0).tensor("t", 0, 0).zeros(64).open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("tensor t: dimension 0 is 0");
    assertThatThrownBy(
            () -> Bytes.header(1, 0).tensor("t", Long.MAX_VALUE, 0).zeros(64).open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("tensor t: the size in bytes is beyond the limit");
    Bytes product = Bytes.header(1, 0).string("t").u32(2).u64(1L << 40).u64(1L << 40);
    assertThatThrownBy(() -> product.zeros(64).open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("tensor t: the product of the dimensions is beyond the limit");
    for (int dimensions : new int[] {0, 5, -1}) {
      Bytes bytes = Bytes.header(1, 0).string("t").u32(dimensions).zeros(64);
      assertThatThrownBy(() -> bytes.open(folder))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("tensor t: number of dimensions is");
    }
    Bytes blocks = Bytes.header(1, 0).string("t").u32(1).u64(33).u32(2).u64(0).zeros(64);
    assertThatThrownBy(() -> blocks.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("tensor t: rows of 33 elements are not whole blocks of 32 (Q4_0)");
  }

  @Test
  void unknownTensorTypesAreNamed() {
    Bytes bytes = Bytes.header(1, 0).string("t").u32(1).u64(32).u32(31).u64(0).zeros(64);
    assertThatThrownBy(() -> bytes.open(folder))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("tensor t: type number 31 is unknown");
  }

  @Test
  void otherFilesAndVersionsAreNamed() {
    assertThatThrownBy(() -> new Bytes().raw("PK..").zeros(64).open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("GGUF");
    assertThatThrownBy(() -> new Bytes().raw("GGUF").u32(1).zeros(64).open(folder))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("version: 1 is not supported; 2 and 3 are");
    assertThatThrownBy(() -> new Bytes().raw("GGUF").u32(0x03000000).zeros(64).open(folder))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("big-endian");
  }

  @Test
  void aMissingFileOrAFolderIsNamed() {
    assertThatThrownBy(() -> GgufFile.open(ModelSource.of(folder.resolve("absent.gguf"))))
        .isInstanceOf(E2llmException.class)
        .hasMessageContaining("absent.gguf");
    assertThatThrownBy(() -> GgufFile.open(ModelSource.of(folder)))
        .isInstanceOf(E2llmException.class)
        .hasMessageContaining("folder");
  }
}
