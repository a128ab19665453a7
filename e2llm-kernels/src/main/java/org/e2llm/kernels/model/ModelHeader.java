package org.e2llm.kernels.model;

import java.util.Map;
import org.e2llm.ModelFormatException;
import org.e2llm.UnsupportedModelException;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.kernels.gguf.TensorInfo;

/**
 * A file's metadata under the prefix of its architecture, with every number checked against a limit
 * before anything is computed or allocated from it.
 *
 * <p>Keys are given without the prefix: {@code attention.head_count} stands for {@code
 * llama.attention.head_count}.
 */
final class ModelHeader {
  private final GgufMetadata metadata;
  private final Map<String, TensorInfo> tensors;
  private final String architecture;

  ModelHeader(GgufMetadata metadata, Map<String, TensorInfo> tensors) {
    this.metadata = metadata;
    this.tensors = tensors;
    this.architecture = metadata.string("general.architecture");
  }

  String architecture() {
    return architecture;
  }

  boolean hasTensor(String name) {
    return tensors.containsKey(name);
  }

  boolean has(String key) {
    return metadata.has(key(key));
  }

  int integer(String key, int min, int max) {
    return checked(key, metadata.integer(key(key)), min, max);
  }

  int integer(String key, int fallback, int min, int max) {
    return checked(key, metadata.integer(key(key), fallback), min, max);
  }

  /** A value that a file may give once or per layer; models whose layers differ are refused. */
  int integerOfAllLayers(String key, int layers, int fallback, int min, int max) {
    if (!has(key)) {
      return checked(key, fallback, min, max);
    }
    int[] values = metadata.integersPerLayer(key(key), layers);
    for (int value : values) {
      if (value != values[0]) {
        throw new UnsupportedModelException(
            "metadata "
                + key(key)
                + " differs between layers ("
                + values[0]
                + " and "
                + value
                + "); only models whose layers have one shape are supported");
      }
    }
    return checked(key, values[0], min, max);
  }

  float number(String key, float fallback) {
    return metadata.number(key(key), fallback);
  }

  float positive(String key, float fallback) {
    float value = number(key, fallback);
    if (!(value > 0)) {
      throw new ModelFormatException(
          "metadata " + key(key) + " is " + value + ", expected a number above 0");
    }
    return value;
  }

  /** Refuses a model that sets {@code key} to something else than 0. */
  void refuse(String key) {
    float value = number(key, 0);
    if (value != 0) {
      throw new UnsupportedModelException(
          "metadata " + key(key) + " is " + value + "; this feature is not supported");
    }
  }

  int embeddingLength() {
    return integer("embedding_length", 1, Limits.EMBEDDING);
  }

  /** Positions the model was trained for. */
  int trainedContext() {
    return integer("context_length", 1, Limits.CONTEXT);
  }

  String string(String key, String fallback) {
    return metadata.string(key(key), fallback);
  }

  /** Rows of the token embedding. */
  int vocabularySize() {
    TensorInfo embedding = tensors.get("token_embd.weight");
    if (embedding == null) {
      throw new ModelFormatException(
          "tensor token_embd.weight is missing: the file has a vocabulary at most, no model");
    }
    long rows = embedding.shape().size() < 2 ? 1 : embedding.shape().get(1);
    if (rows < 1 || rows > Limits.VOCABULARY) {
      throw new ModelFormatException(
          "tensor token_embd.weight has " + rows + " rows, the limit is " + Limits.VOCABULARY);
    }
    return (int) rows;
  }

  /** The full key. */
  String key(String suffix) {
    return architecture + "." + suffix;
  }

  private int checked(String key, int value, int min, int max) {
    if (value < min || value > max) {
      throw new ModelFormatException(
          "metadata " + key(key) + " is " + value + ", expected " + min + " to " + max);
    }
    return value;
  }
}
