package org.e2llm.kernels.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.model.GgmlType;
import org.e2llm.model.ModelSource;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.Test;

class GgufReadTest {
  @Test
  void aRealModelIsDescribedAndMapped() {
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
}
