package org.e2llm.kernels.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.ModelFormatException;
import org.e2llm.UnsupportedModelException;
import org.e2llm.kernels.gguf.GgufFile;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.kernels.gguf.TensorInfo;
import org.e2llm.model.GgmlType;
import org.e2llm.model.ModelSource;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is read from a header, and which headers are refused. */
class ModelTest {
  private final Map<String, Object> metadata = new LinkedHashMap<>();
  private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();

  @BeforeEach
  void takeTheHeaderOfASmallModel() {
    take(Golden.resource("stories260K-F32.gguf"));
  }

  @Test
  void readsTheShapeOfALlama() {
    ModelConfig config = configure(512);
    assertThat(config.layerCount()).isEqualTo(5);
    assertThat(config.embeddingLength()).isEqualTo(64);
    assertThat(config.feedForwardLength()).isEqualTo(172);
    assertThat(config.vocabularySize()).isEqualTo(512);
    assertThat(config.heads()).isEqualTo(new Heads(8, 4, 8, 8, (float) (1 / Math.sqrt(8))));
    assertThat(config.rope()).isEqualTo(new RopeConfig(8, false, 10_000, 1, null, 1, null));
  }

  @Test
  void namesTheTensorWhoseShapeIsWrong() {
    reshape("blk.3.ffn_down.weight", 172L, 63L);
    assertThatThrownBy(() -> configure(512))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("blk.3.ffn_down.weight has shape [172, 63], expected [172, 64]");
  }

  @ParameterizedTest
  @CsvSource({
    "token_embd.weight, 65, 512",
    "blk.0.attn_q.weight, 64, 65",
    "blk.1.attn_k.weight, 64, 64",
    "blk.2.attn_v.weight, 32, 64",
    "blk.4.attn_output.weight, 64, 32",
    "blk.4.ffn_gate.weight, 64, 171",
    "blk.4.ffn_up.weight, 172, 64",
    "blk.0.attn_norm.weight, 64, 2",
    "output_norm.weight, 63, 1"
  })
  void everyMatrixAndNormIsChecked(String name, long columns, long rows) {
    reshape(name, columns, rows);
    assertThatThrownBy(() -> configure(512))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(name)
        .hasMessageContaining("[" + columns + ", " + rows + "]");
  }

  @Test
  void namesTheTensorThatIsMissing() {
    tensors.remove("blk.2.attn_k.weight");
    assertThatThrownBy(() -> configure(512))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("blk.2.attn_k.weight is missing, expected shape [64, 32]");
  }

  @Test
  void saysThatAVocabularyIsNoModel() {
    tensors.clear();
    assertThatThrownBy(() -> configure(512))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("token_embd.weight is missing");
  }

  @Test
  void namesTensorAndTypeThatCannotBeComputed() {
    retype("blk.1.ffn_up.weight", GgmlType.IQ2_S);
    assertThatThrownBy(() -> configure(512))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("blk.1.ffn_up.weight has type IQ2_S; supported are F32, F16,");
  }

  @Test
  void refusesTensorsItWouldHaveToIgnore() {
    TensorInfo known = tensors.get("blk.0.ffn_up.weight");
    tensors.put(
        "blk.0.ffn_gate_inp.weight",
        new TensorInfo("blk.0.ffn_gate_inp.weight", known.type(), known.shape(), 0, 0, 0));
    assertThatThrownBy(() -> configure(512))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("blk.0.ffn_gate_inp.weight is not known for architecture llama");
  }

  @Test
  void listsWhatIsSupportedWhereTheArchitectureIsNot() {
    metadata.put("general.architecture", "mamba");
    assertThatThrownBy(() -> configure(512))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("\"mamba\"; supported are llama, qwen2, qwen3, gemma3, phi3");
  }

  @ParameterizedTest
  @CsvSource({
    "llama.block_count, 0",
    "llama.block_count, 2147483647",
    "llama.embedding_length, -1",
    "llama.embedding_length, 1073741824",
    "llama.feed_forward_length, 0",
    "llama.attention.head_count, 0",
    "llama.attention.head_count_kv, 3",
    "llama.attention.head_count_kv, 16",
    "llama.context_length, 0",
    "llama.rope.dimension_count, 7",
    "llama.rope.dimension_count, 10",
    "llama.attention.key_length, 0",
    "llama.attention.layer_norm_rms_epsilon, 0",
    "llama.rope.freq_base, 0",
    "llama.rope.scaling.factor, -2"
  })
  void namesTheKeyThatIsOutOfRange(String key, long value) {
    metadata.put(key, value);
    assertThatThrownBy(() -> configure(512))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(key);
  }

  @Test
  void refusesMixturesOfExperts() {
    metadata.put("llama.expert_count", 8L);
    assertThatThrownBy(() -> configure(512))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("llama.expert_count is 8");
  }

  @Test
  void readsLinearScalingUnderBothItsNames() {
    metadata.put("llama.rope.scale_linear", 2f);
    assertThat(configure(512).rope().factor()).isEqualTo(2);
    metadata.put("llama.rope.scaling.factor", 4f);
    assertThat(configure(512).rope().factor()).isEqualTo(4);
    metadata.put("llama.rope.scaling.type", "none");
    assertThat(configure(512).rope().factor()).isEqualTo(1);
  }

  @Test
  void readsYarn() {
    metadata.put("llama.rope.scaling.type", "yarn");
    metadata.put("llama.rope.scaling.factor", 4f);
    metadata.put("llama.rope.scaling.original_context_length", 128L);
    RopeConfig rope = configure(512).rope();
    assertThat(rope.yarn()).isEqualTo(new RopeConfig.Yarn(1, 32, 1, 128));
    assertThat(rope.attentionFactor()).isCloseTo(1 + 0.1 * Math.log(4), within(1e-12));
    metadata.put("llama.rope.scaling.yarn_ext_factor", 0f);
    metadata.put("llama.rope.scaling.attn_factor", 1.5f);
    assertThat(configure(512).rope().attentionFactor()).isEqualTo(1.5);
  }

  @Test
  void refusesAScalingItDoesNotKnow() {
    metadata.put("llama.rope.scaling.type", "dynamic");
    assertThatThrownBy(() -> configure(512))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("\"dynamic\"; supported are none, linear, yarn, longrope");
  }

  @Test
  void llama3FactorsApplyAtEveryLength() {
    take(Shared.require("models/tiny-llama3-F16.gguf"));
    assertThat(configure(64).rope().factorsTensor()).isEqualTo("rope_freqs.weight");
  }

  @Test
  void longRopeChoosesItsFactorsByTheContextAtOpen() {
    take(Shared.require("models/tiny-phi3-F16.gguf"));
    assertThat(configure(256).rope().factorsTensor()).isEqualTo("rope_factors_short.weight");
    assertThat(configure(257).rope().factorsTensor()).isEqualTo("rope_factors_long.weight");
    assertThat(configure(257).rope().attentionFactor()).isCloseTo(1.19, within(1e-6));
    assertThat(configure(257).rope().dimensions()).isEqualTo(48);
  }

  @Test
  void everySixthLayerOfGemmaSeesEverything() {
    take(Shared.require("models/tiny-gemma3-F16.gguf"));
    ModelConfig config = configure(512);
    assertThat(config.window().firstVisible(0, 40)).isEqualTo(25);
    assertThat(config.window().firstVisible(4, 40)).isEqualTo(25);
    assertThat(config.window().firstVisible(5, 40)).isZero();
    assertThat(config.window().firstVisible(6, 40)).isEqualTo(25);
    assertThat(config.rope().base()).isEqualTo(1e6);
    assertThat(config.slidingRope().base()).isEqualTo(1e4);
    assertThat(config.embeddingScale()).isEqualTo(16);
  }

  @Test
  void refusesSoftCapping() {
    take(Shared.require("models/tiny-gemma3-F16.gguf"));
    metadata.put("gemma3.final_logit_softcapping", 30f);
    assertThatThrownBy(() -> configure(512))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("gemma3.final_logit_softcapping is 30");
  }

  private ModelConfig configure(int context) {
    return Model.configure(GgufMetadata.of(metadata), tensors, context);
  }

  private void take(Path path) {
    metadata.clear();
    tensors.clear();
    try (GgufFile file = GgufFile.open(ModelSource.of(path))) {
      for (String key : file.metadata().keys()) {
        if (!key.startsWith("tokenizer.")) {
          metadata.put(key, file.metadata().value(key));
        }
      }
      tensors.putAll(file.tensors());
    }
  }

  private void reshape(String name, long columns, long rows) {
    TensorInfo old = tensors.get(name);
    List<Long> shape = List.of(columns, rows);
    tensors.put(name, new TensorInfo(name, old.type(), shape, old.file(), old.offset(), 0));
  }

  private void retype(String name, GgmlType type) {
    TensorInfo old = tensors.get(name);
    tensors.put(name, new TensorInfo(name, type, old.shape(), old.file(), old.offset(), 0));
  }
}
