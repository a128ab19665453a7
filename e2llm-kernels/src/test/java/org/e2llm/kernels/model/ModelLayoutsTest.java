package org.e2llm.kernels.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.e2llm.kernels.gguf.GgufFile;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelLayout.Part;
import org.e2llm.model.ModelSource;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ModelLayoutsTest {
  @TempDir Path folder;

  @ParameterizedTest
  @MethodSource("org.e2llm.kernels.model.SplitInvarianceTest#models")
  void aLayoutNamesWhatAStageMaps(String name) {
    Path path = Shared.require("models/" + name + ".gguf");
    try (GgufFile file = GgufFile.open(ModelSource.of(path))) {
      Model model = Model.of(file, 0);
      ModelLayout layout = ModelLayouts.of(file);
      int layers = layout.layerCount();
      for (int from = 0; from < layers; from++) {
        for (int to = from + 1; to <= layers; to++) {
          LayerRange range = LayerRange.of(from, to);
          for (ModelLayout.Tensor tensor : layout.tensors()) {
            boolean mapped =
                StageWeights.needs(model.config(), range, model.isTied(), tensor.name());
            boolean factors = tensor.part() == Part.SHARED;
            assertThat(layout.needs(range, tensor))
                .as("%s in %s", tensor.name(), range)
                .isEqualTo(mapped || factors);
          }
        }
      }
      assertThat(layout.tensors()).noneMatch(tensor -> layout.needs(LayerRange.of(0, 0), tensor));
      assertThat(layout.tensors()).hasSize(file.tensors().size());
    }
  }

  @Test
  void theHeaderEndsWhereTheFirstTensorBegins() throws IOException {
    Path path = Golden.resource("stories260K-F32.gguf");
    try (GgufFile file = GgufFile.open(ModelSource.of(path))) {
      ModelLayout layout = ModelLayouts.of(file);
      ModelLayout.File only = layout.files().get(0);
      assertThat(only.bytes()).isEqualTo(Files.size(path));
      assertThat(only.source().path()).isEqualTo(path);
      assertThat(only.headerBytes())
          .isEqualTo(
              layout.tensors().stream().mapToLong(ModelLayout.Tensor::offset).min().orElseThrow());
    }
  }

  @Test
  void theHeaderIsEnough() throws IOException {
    Path whole = Golden.resource("stories260K-F32.gguf");
    ModelLayout layout;
    try (GgufFile file = GgufFile.open(ModelSource.of(whole))) {
      layout = ModelLayouts.of(file);
    }
    byte[] bytes = Files.readAllBytes(whole);
    Arrays.fill(bytes, (int) layout.files().get(0).headerBytes(), bytes.length, (byte) 0);
    Path hollow = Files.write(folder.resolve("hollow.gguf"), bytes);
    try (GgufFile file = GgufFile.open(ModelSource.of(hollow))) {
      assertThat(ModelLayouts.of(file).tensors()).isEqualTo(layout.tensors());
    }
  }
}
