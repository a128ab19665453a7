package org.e2llm.kernels.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.e2llm.model.GgmlType;
import org.e2llm.model.ModelSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFileTest {
  @TempDir Path folder;

  @Test
  void openingFortyGigabytesReadsTheHeaderAndMapsNothing() throws IOException {
    Path path = folder.resolve("forty-gigabytes.gguf");
    GgufWriter writer = new GgufWriter().put("general.architecture", "llama");
    for (int i = 0; i < 40; i++) {
      writer.tensor("t" + i, GgmlType.F32, new long[] {4096, 65536}, TensorData.HOLE);
    }
    writer.write(path);
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      CountingChannel counting = new CountingChannel(channel);
      try (GgufFile file = GgufFile.open(ModelSource.of(counting, 0, channel.size()))) {
        assertThat(file.fileBytes()).isGreaterThan(40L << 30);
        assertThat(file.tensors()).hasSize(40);
        assertThat(counting.bytesRead).isEqualTo(file.headerBytes()).isLessThan(8192);
        assertThat(counting.mappings).isZero();
        assertThat(mappedFiles()).doesNotContain("forty-gigabytes");
      }
    }
  }

  /** What the system has mapped, where it tells. */
  private static String mappedFiles() throws IOException {
    Path maps = Paths.get("/proc/self/maps");
    return Files.exists(maps) ? Files.readString(maps) : "";
  }

  @Test
  void aLongHeaderIsReadWithLittleReadAhead() throws IOException {
    Path path = folder.resolve("long-header.gguf");
    String[] tokens = new String[100_000];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = "token-" + i;
    }
    new GgufWriter()
        .put("tokenizer.ggml.tokens", tokens)
        .tensor("t", GgmlType.F32, new long[] {1 << 20, 4}, TensorData.HOLE)
        .write(path);
    try (GgufFile file = GgufFile.open(ModelSource.of(path))) {
      long header = file.tensors().get("t").offset();
      assertThat(file.headerBytes()).isBetween(header - 32, header + (256 << 10));
      assertThat(file.metadata().strings("tokenizer.ggml.tokens").get(99_999))
          .isEqualTo("token-99999");
    }
  }

  @Test
  void aFileInsideAChannelIsReadWhereItLies() throws IOException {
    byte[] sound = Bytes.sound(folder);
    byte[] inside = new byte[1000 + sound.length + 500];
    System.arraycopy(sound, 0, inside, 1000, sound.length);
    try (FileChannel channel = Bytes.channel(folder, inside)) {
      GgufFile file = GgufFile.open(ModelSource.of(channel, 1000, sound.length));
      assertThat(file.fileBytes()).isEqualTo(sound.length);
      try (WeightSlice slice = file.map("two"::equals)) {
        file.close();
        assertThat(channel.isOpen()).isTrue();
        channel.write(ByteBuffer.wrap(new byte[] {42}), 1000 + file.tensors().get("two").offset());
        assertThat(slice.tensor("two").buffer(0).get(slice.tensor("two").offset(0)))
            .isEqualTo((byte) 42);
      }
    }
  }

  @Test
  void versionTwoIsReadLikeVersionThree() throws IOException {
    Path path = folder.resolve("v2.gguf");
    new GgufWriter()
        .version(2)
        .put("general.name", "old")
        .tensor("t", GgmlType.F32, new long[] {2}, TensorData.of(new byte[8]))
        .write(path);
    try (GgufFile file = GgufFile.open(ModelSource.of(path))) {
      assertThat(file.version()).isEqualTo(2);
      assertThat(file.metadata().string("general.name")).isEqualTo("old");
      assertThat(file.tensors()).containsOnlyKeys("t");
    }
  }

  @Test
  void tensorsMayLieAtAnyOffsetAndInAnyOrder() {
    Bytes bytes = Bytes.header(2, 0).tensor("late", 2, 11).tensor("early", 1, 3).pad(32).zeros(19);
    try (GgufFile file = bytes.open(folder)) {
      assertThat(file.tensors().keySet()).containsExactly("late", "early");
      try (WeightSlice slice = file.map(name -> true)) {
        assertThat(slice.floats("late")).containsExactly(0, 0);
      }
    }
  }

  @Test
  void aVocabularyWithoutTensorsIsAFile() throws IOException {
    Path path = folder.resolve("vocabulary.gguf");
    new GgufWriter().put("tokenizer.ggml.tokens", List.of("a", "b")).write(path);
    try (GgufFile file = GgufFile.open(ModelSource.of(path));
        WeightSlice slice = file.map(name -> true)) {
      assertThat(file.tensors()).isEmpty();
      assertThat(slice.mappedBytes()).isZero();
    }
  }
}
