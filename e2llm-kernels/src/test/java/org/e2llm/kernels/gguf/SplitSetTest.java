package org.e2llm.kernels.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.e2llm.E2llmException;
import org.e2llm.ModelFormatException;
import org.e2llm.model.GgmlType;
import org.e2llm.model.ModelSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SplitSetTest {
  @TempDir Path folder;

  @BeforeEach
  void writeThreeFiles() throws IOException {
    for (int i = 0; i < 3; i++) {
      write(i, i, 3, 3, "t" + i);
    }
  }

  private Path file(int index) {
    return folder.resolve(String.format(Locale.ROOT, "m-%05d-of-00003.gguf", index + 1));
  }

  private void write(int index, int splitNo, int splitCount, int tensors, String tensor)
      throws IOException {
    GgufWriter writer = new GgufWriter();
    if (index == 0) {
      writer.put("general.architecture", "llama");
    }
    writer
        .put("split.no", new MetadataValue(MetadataType.UINT16, (long) splitNo))
        .put("split.count", new MetadataValue(MetadataType.UINT16, (long) splitCount))
        .put("split.tensors.count", new MetadataValue(MetadataType.INT32, (long) tensors))
        .tensor(
            tensor,
            GgmlType.F32,
            new long[] {1},
            TensorData.of(new byte[] {0, 0, (byte) 0x80, (byte) (0x3f + index)}))
        .write(file(index));
  }

  @Test
  void aSetIsOneModel() {
    try (GgufFile set = GgufFile.open(ModelSource.of(file(0)));
        WeightSlice slice = set.map(name -> true)) {
      assertThat(set.files()).isEqualTo(3);
      assertThat(set.tensors().keySet()).containsExactly("t0", "t1", "t2");
      assertThat(set.tensors().get("t2").file()).isEqualTo(2);
      assertThat(set.metadata().string("general.architecture")).isEqualTo("llama");
      assertThat(slice.floats("t0")).containsExactly(1);
      assertThat(slice.floats("t1")).containsExactly(4);
      assertThat(slice.floats("t2")).containsExactly(16);
    }
  }

  @Test
  void anyFileOfTheSetLeadsToTheWhole() {
    try (GgufFile set = GgufFile.open(ModelSource.of(file(1)))) {
      assertThat(set.tensors().keySet()).containsExactly("t0", "t1", "t2");
      assertThat(set.metadata().has("general.architecture")).isTrue();
    }
  }

  @Test
  void aMissingFileIsNamed() throws IOException {
    Files.delete(file(2));
    assertRefused(0, "m-00003-of-00003.gguf: file 3 of 3 is missing");
    Files.delete(file(0));
    assertRefused(1, "m-00001-of-00003.gguf: file 1 of 3 is missing");
  }

  @Test
  void filesThatPointAtEachOtherEndInAnError() throws IOException {
    Files.delete(file(0));
    Files.createSymbolicLink(file(0), file(1));
    assertRefused(0, "split.no is 1 of 3, expected 0 of 3");
    assertRefused(2, "split.no is 1 of 3, expected 0 of 3");
    Files.delete(file(1));
    Files.createSymbolicLink(file(1), file(0));
    assertThatThrownBy(() -> GgufFile.open(ModelSource.of(file(0))))
        .isInstanceOf(E2llmException.class)
        .hasMessageContaining("m-00001-of-00003.gguf");
  }

  @Test
  void theSameFileTwiceIsRefused() throws IOException {
    Files.delete(file(2));
    Files.copy(file(1), file(2));
    assertRefused(0, "split.no is 1 of 3, expected 2 of 3");
  }

  @Test
  void countsThatDisagreeAreRefused() throws IOException {
    write(1, 1, 4, 3, "t1");
    assertRefused(0, "m-00002-of-00003.gguf: metadata split.no is 1 of 4, expected 1 of 3");
    write(1, 1, 3, 3, "t1");
    write(0, 0, 2, 3, "t0");
    assertRefused(0, "metadata split.count is 2, but the name");
    write(0, 0, 3, 4, "t0");
    assertRefused(0, "split.tensors.count is 4, but the files hold 3");
    write(0, 0, 3, 3, "t1");
    assertRefused(0, "tensor t1 is there twice");
  }

  @Test
  void aFileOfASetInAChannelIsRefused() throws IOException {
    try (FileChannel channel = Bytes.channel(folder, Files.readAllBytes(file(0)))) {
      assertThatThrownBy(() -> GgufFile.open(ModelSource.of(channel, 0, channel.size())))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("a file of a set of 3");
    }
  }

  private void assertRefused(int index, String message) {
    assertThatThrownBy(() -> GgufFile.open(ModelSource.of(file(index))))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message);
  }
}
