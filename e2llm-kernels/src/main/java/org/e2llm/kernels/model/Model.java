package org.e2llm.kernels.model;

import java.util.Map;
import org.e2llm.InvalidRequestException;
import org.e2llm.ModelFormatException;
import org.e2llm.kernels.gguf.GgufFile;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.kernels.gguf.TensorInfo;
import org.e2llm.kernels.gguf.WeightSlice;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;

/**
 * A model whose header was read and checked against its architecture: what stages are made of.
 * Immutable.
 */
public final class Model {
  /** The longest context that may be asked for. */
  public static final int MOST_CONTEXT = Limits.CONTEXT;

  /** Positions of a session where nobody asks for more or fewer. */
  private static final int DEFAULT_CONTEXT = 4096;

  private final GgufFile file;
  private final ModelConfig config;
  private final int contextLength;

  private Model(GgufFile file, ModelConfig config, int contextLength) {
    this.file = file;
    this.config = config;
    this.contextLength = contextLength;
  }

  /**
   * @param file stays the caller's, open as long as stages are made
   * @param contextLength most positions of a session; 0 for min(trained, 4096)
   * @throws org.e2llm.UnsupportedModelException for an architecture, tensor type or feature that
   *     cannot be computed
   * @throws org.e2llm.ModelFormatException for a missing or wrong key or tensor
   */
  public static Model of(GgufFile file, int contextLength) {
    GgufMetadata metadata = file.metadata();
    int context = contextLength;
    if (context == 0) {
      ModelHeader header = new ModelHeader(metadata, file.tensors());
      Architectures.named(header.architecture());
      context = Math.min(header.trainedContext(), DEFAULT_CONTEXT);
    }
    return new Model(file, configure(metadata, file.tensors(), context), context);
  }

  /** Reads the config and checks every tensor against it. */
  static ModelConfig configure(
      GgufMetadata metadata, Map<String, TensorInfo> tensors, int contextLength) {
    ModelHeader header = new ModelHeader(metadata, tensors);
    Architecture architecture = Architectures.named(header.architecture());
    ModelConfig config = architecture.configure(header, contextLength);
    TensorLayout.check(architecture, config, tensors);
    return config;
  }

  public ModelConfig config() {
    return config;
  }

  /** Most positions of a session. */
  public int contextLength() {
    return contextLength;
  }

  /** Whether the output head is the embedding. */
  public boolean isTied() {
    return !file.tensors().containsKey(TensorLayout.OUTPUT);
  }

  /**
   * Refuses a tokenizer that is not this model's: every token needs a row, every row a token.
   *
   * @throws ModelFormatException names both sizes
   */
  public void checkVocabulary(int tokens) {
    if (tokens != config.vocabularySize()) {
      throw new ModelFormatException(
          "tensor token_embd.weight has "
              + config.vocabularySize()
              + " rows, tokenizer.ggml.tokens has "
              + tokens
              + " tokens");
    }
  }

  /**
   * Refuses what a cache of this type cannot hold.
   *
   * @throws InvalidRequestException names type and head length
   */
  public void checkKvType(KvType type) {
    Heads heads = config.heads();
    int odd = type.fits(heads.keyLength()) ? heads.valueLength() : heads.keyLength();
    if (!type.fits(odd)) {
      throw new InvalidRequestException(
          "KV type "
              + type
              + " stores blocks of 32 elements, a head of this model has "
              + odd
              + "; use F16 or F32");
    }
  }

  /**
   * Maps the weights of {@code range} and makes the stage that computes with them.
   *
   * @param compute shared by the stages of an engine; stays open until they are closed
   * @param maxRows most rows of a batch
   */
  public LocalStage stage(LayerRange range, Compute compute, KvType kvType, int maxRows) {
    if (range.size() == 0 || range.to() > config.layerCount()) {
      throw new InvalidRequestException(
          "stage of layers "
              + range
              + ", expected at least one of [0, "
              + config.layerCount()
              + ")");
    }
    boolean tied = isTied();
    WeightSlice slice = file.map(name -> StageWeights.needs(config, range, tied, name));
    try {
      return new LocalStage(config, range, slice, compute, kvType, contextLength, maxRows);
    } catch (RuntimeException | Error e) {
      slice.close();
      throw e;
    }
  }
}
