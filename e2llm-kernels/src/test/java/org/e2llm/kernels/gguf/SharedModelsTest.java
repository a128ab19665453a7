package org.e2llm.kernels.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.model.GgmlType;
import org.e2llm.model.ModelSource;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.Test;

/** Files that other programs wrote. */
class SharedModelsTest {
  @Test
  void aTrainedModelIsDescribedAndMapped() {
    Path path = Shared.require("models/stories260K-Q8_0.gguf");
    try (GgufFile file = GgufFile.open(ModelSource.of(path));
        WeightSlice slice = file.map(name -> name.startsWith("blk.0."))) {
      assertThat(file.version()).isEqualTo(3);
      assertThat(file.metadata().string("general.architecture")).isEqualTo("llama");
      assertThat(file.metadata().strings("tokenizer.ggml.tokens")).hasSize(512).contains("<s>");
      Tensor query = slice.tensor("blk.0.attn_q.weight");
      assertThat(query.rows()).isEqualTo(64);
      assertThat(query.type()).isEqualTo(GgmlType.Q8_0);
      assertThat(slice.floats("blk.0.attn_norm.weight")).hasSize(64);
      assertThat(slice.has("output_norm.weight")).isFalse();
    }
  }

  @Test
  void everyModelIsMappedWhole() throws IOException {
    try (DirectoryStream<Path> models =
        Files.newDirectoryStream(Shared.require("models"), "*.gguf")) {
      for (Path path : models) {
        try (GgufFile file = GgufFile.open(ModelSource.of(path));
            WeightSlice slice = file.map(name -> true)) {
          long bytes = 0;
          for (TensorInfo tensor : file.tensors().values()) {
            bytes += tensor.bytes();
            assertThat(slice.tensor(tensor.name()).columns())
                .isEqualTo(tensor.shape().get(0).intValue());
          }
          assertThat(slice.mappedBytes()).as("%s", path).isBetween(bytes, file.fileBytes());
        }
      }
    }
  }

  @Test
  void aLargeVocabularyTakesNoMoreMemoryThanAFewTimesItsFile() {
    Path path = Shared.require("data/vocab/ggml-vocab-llama-bpe.gguf");
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    GgufFile.open(ModelSource.of(path)).close();
    long before = threads.getCurrentThreadAllocatedBytes();
    try (GgufFile file = GgufFile.open(ModelSource.of(path))) {
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertThat(file.metadata().strings("tokenizer.ggml.merges")).hasSize(280_147);
      assertThat(allocated).isLessThan(4 * file.fileBytes());
    }
  }
}
