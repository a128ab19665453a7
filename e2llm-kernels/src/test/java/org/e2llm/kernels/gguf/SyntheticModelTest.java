package org.e2llm.kernels.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.e2llm.InvalidRequestException;
import org.e2llm.kernels.math.ScalarKernels;
import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.model.GgmlType;
import org.e2llm.model.ModelSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SyntheticModelTest {
  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "Q4_0", "Q5_0", "Q8_0", "Q4_K", "Q6_K"})
  void weightsHaveTheWantedSpreadAndNoBias(GgmlType type) throws IOException {
    int rows = 300;
    int columns = 2048;
    float deviation = 0.03f;
    Path path = folder.resolve("weights.gguf");
    new GgufWriter()
        .tensor(
            "t",
            type,
            new long[] {columns, rows},
            new RandomWeights(type, (long) rows * columns, 0, deviation, 7))
        .write(path);
    double sum = 0;
    double squares = 0;
    try (GgufFile file = GgufFile.open(ModelSource.of(path));
        WeightSlice slice = file.map(name -> true)) {
      Tensor tensor = slice.tensor("t");
      float[] row = new float[columns];
      for (int i = 0; i < rows; i++) {
        new ScalarKernels().dequantizeRow(tensor, i, row, 0, new Scratch());
        for (float weight : row) {
          assertThat(Float.isFinite(weight)).isTrue();
          sum += weight;
          squares += weight * (double) weight;
        }
      }
    }
    double count = (double) rows * columns;
    assertThat(Math.sqrt(squares / count)).isCloseTo(deviation, within(0.1 * deviation));
    assertThat(sum / count).isCloseTo(0, within(0.15 * deviation));
  }

  @Test
  void theSameSeedGivesTheSameFile() throws IOException {
    Path one = writeWeights("one.gguf", 3);
    assertThat(writeWeights("two.gguf", 3)).hasSameBinaryContentAs(one);
    assertThat(Files.readAllBytes(writeWeights("three.gguf", 4)))
        .isNotEqualTo(Files.readAllBytes(one));
  }

  private Path writeWeights(String name, long seed) throws IOException {
    Path path = folder.resolve(name);
    new GgufWriter()
        .tensor(
            "t",
            GgmlType.Q4_0,
            new long[] {2048, 300},
            new RandomWeights(GgmlType.Q4_0, 2048 * 300, 0, 1, seed))
        .write(path);
    return path;
  }

  @Test
  void theMixtureIsThatOfTheReferenceEngine() {
    TensorMix mix = TensorMix.of("q4_k_m");
    StringBuilder sixBits = new StringBuilder();
    for (int layer = 0; layer < 22; layer++) {
      GgmlType type = mix.typeOf("blk." + layer + ".attn_v.weight", 2048, 22, false);
      assertThat(mix.typeOf("blk." + layer + ".ffn_down.weight", 5632, 22, false)).isEqualTo(type);
      sixBits.append(type == GgmlType.Q6_K ? '6' : '4');
    }
    assertThat(sixBits).hasToString("6644644644644644644666");
    assertThat(mix.typeOf("output.weight", 2048, 22, false)).isEqualTo(GgmlType.Q6_K);
    assertThat(mix.typeOf("token_embd.weight", 2048, 22, false)).isEqualTo(GgmlType.Q4_K);
    assertThat(mix.typeOf("blk.0.attn_q.weight", 896, 24, true)).isEqualTo(GgmlType.Q5_0);
    assertThat(mix.typeOf("blk.0.attn_v.weight", 896, 24, true)).isEqualTo(GgmlType.Q8_0);
    assertThat(mix.typeOf("token_embd.weight", 896, 24, true)).isEqualTo(GgmlType.Q8_0);
    assertThat(TensorMix.of("Q4_0").typeOf("output.weight", 2048, 22, false))
        .isEqualTo(GgmlType.Q6_K);
    assertThat(TensorMix.of("Q8_0").typeOf("output.weight", 2048, 22, false))
        .isEqualTo(GgmlType.Q8_0);
  }

  @Test
  void everyMergeJoinsTwoEarlierTokens() throws IOException {
    GgufWriter writer = new GgufWriter();
    SyntheticVocabulary.putByteLevelBpe(writer, 3000, 2900);
    GgufMetadata metadata = written(writer);
    List<String> tokens = metadata.strings("tokenizer.ggml.tokens");
    List<String> merges = metadata.strings("tokenizer.ggml.merges");
    assertThat(tokens).hasSize(3000).doesNotHaveDuplicates();
    assertThat(tokens.get(2902)).isEqualTo("<|im_end|>");
    assertThat(merges).hasSize(2900 - 256);
    Set<String> known = new HashSet<>(tokens.subList(0, 256));
    for (int i = 0; i < merges.size(); i++) {
      String[] halves = merges.get(i).split(" ");
      assertThat(known).contains(halves);
      assertThat(tokens.get(256 + i)).isEqualTo(halves[0] + halves[1]);
      known.add(tokens.get(256 + i));
    }
  }

  @Test
  void aSentencePieceVocabularyHasBytesScoresAndTypes() throws IOException {
    GgufWriter writer = new GgufWriter();
    SyntheticVocabulary.putSentencePiece(writer, 1000);
    GgufMetadata metadata = written(writer);
    assertThat(metadata.strings("tokenizer.ggml.tokens"))
        .hasSize(1000)
        .doesNotHaveDuplicates()
        .contains("<0x00>", "<0xFF>", "\u2581", "a");
    assertThat(metadata.numbers("tokenizer.ggml.scores")).hasSize(1000);
    assertThat(metadata.integers("tokenizer.ggml.token_type")).hasSize(1000).startsWith(2, 3, 3, 6);
  }

  private GgufMetadata written(GgufWriter writer) throws IOException {
    Path path = folder.resolve("vocabulary.gguf");
    writer.write(path);
    try (GgufFile file = GgufFile.open(ModelSource.of(path))) {
      return file.metadata();
    }
  }

  @Test
  void otherShapesAndTypesAreRefusedWithWhatThereIs() {
    assertThatThrownBy(
            () -> SyntheticModel.writeIfAbsent(folder, "7b-llama", "Q4_0", progress -> {}))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("1.1b-llama, 0.5b-qwen2");
    assertThatThrownBy(
            () -> SyntheticModel.writeIfAbsent(folder, "1.1b-llama", "Q3_K", progress -> {}))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("Q4_K_M");
  }
}
