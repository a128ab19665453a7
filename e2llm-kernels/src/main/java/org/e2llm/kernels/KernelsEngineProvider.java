package org.e2llm.kernels;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.e2llm.E2llmException;
import org.e2llm.ModelInspection;
import org.e2llm.Progress;
import org.e2llm.kernels.chat.ChatTemplates;
import org.e2llm.kernels.gguf.GgufFile;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.kernels.gguf.TensorInfo;
import org.e2llm.kernels.model.Model;
import org.e2llm.kernels.model.ModelLayouts;
import org.e2llm.kernels.tokenizer.Tokenizers;
import org.e2llm.model.GgmlType;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelSource;
import org.e2llm.spi.Engine;
import org.e2llm.spi.EngineOptions;
import org.e2llm.spi.EngineProvider;
import org.e2llm.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** Opens GGUF files on this device. Stateless. */
public final class KernelsEngineProvider implements EngineProvider {
  private static final String TOKENIZER = "tokenizer.ggml.model";
  private static final String PRE_TOKENIZER = "tokenizer.ggml.pre";
  private static final String CHAT_TEMPLATE = "tokenizer.chat_template";

  @Override
  public ModelInspection inspect(ModelSource source) {
    try (GgufFile file = GgufFile.open(source)) {
      Tokenizer tokenizer = null;
      String obstacle = "";
      try {
        tokenizer = Tokenizers.of(file.metadata());
        Model.of(file, 0).checkVocabulary(tokenizer.vocabularySize());
      } catch (E2llmException e) {
        obstacle = String.valueOf(e.getMessage());
      }
      Map<GgmlType, Integer> counts = new LinkedHashMap<>();
      Map<GgmlType, Long> bytes = new LinkedHashMap<>();
      for (TensorInfo tensor : file.tensors().values()) {
        counts.merge(tensor.type(), 1, Integer::sum);
        bytes.merge(tensor.type(), tensor.bytes(), Long::sum);
      }
      return new ModelInspection(
          ModelSpecs.of(file, tokenizer == null ? List.of() : tokenizer.endOfGeneration()),
          file.version(),
          file.files(),
          file.fileBytes(),
          file.headerBytes(),
          counts,
          bytes,
          tokenizerName(file.metadata()),
          chatTemplateName(file.metadata(), tokenizer),
          obstacle);
    }
  }

  @Override
  public Tokenizer tokenizer(ModelSource source) {
    try (GgufFile file = GgufFile.open(source)) {
      return Tokenizers.of(file.metadata());
    }
  }

  @Override
  public ModelLayout layout(ModelSource source) {
    try (GgufFile file = GgufFile.open(source)) {
      return ModelLayouts.of(file);
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws org.e2llm.ModelFormatException for a damaged file
   * @throws org.e2llm.UnsupportedModelException for a model that cannot be computed
   * @throws org.e2llm.InvalidRequestException for options that do not fit the model
   */
  @Override
  public Engine open(ModelSource source, EngineOptions options, Consumer<Progress> progress) {
    GgufFile file = GgufFile.open(source);
    try {
      return LocalEngine.open(file, options, progress);
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  private static String tokenizerName(GgufMetadata metadata) {
    String name = metadata.string(TOKENIZER, "none");
    String pre = metadata.string(PRE_TOKENIZER, "");
    return pre.isEmpty() ? name : name + "/" + pre;
  }

  private static String chatTemplateName(GgufMetadata metadata, @Nullable Tokenizer tokenizer) {
    if (!metadata.has(CHAT_TEMPLATE)) {
      return "none";
    }
    return tokenizer == null ? "unknown" : ChatTemplates.of(metadata, tokenizer).name();
  }
}
