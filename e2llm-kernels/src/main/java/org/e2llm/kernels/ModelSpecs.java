package org.e2llm.kernels;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.e2llm.ModelFormatException;
import org.e2llm.kernels.gguf.GgufFile;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.kernels.gguf.TensorInfo;
import org.e2llm.model.GgmlType;
import org.e2llm.model.ModelSpec;

/**
 * What a file says of itself, also where its model cannot be computed: sizes that it does not state
 * are 0, sizes beyond any use are refused.
 */
final class ModelSpecs {
  private static final int MOST_LAYERS = 4096;

  /** The names of {@code general.file_type} (enum llama_ftype). */
  private static final Map<Integer, String> FILE_TYPES =
      Map.ofEntries(
          Map.entry(0, "F32"),
          Map.entry(1, "F16"),
          Map.entry(2, "Q4_0"),
          Map.entry(3, "Q4_1"),
          Map.entry(7, "Q8_0"),
          Map.entry(8, "Q5_0"),
          Map.entry(9, "Q5_1"),
          Map.entry(10, "Q2_K"),
          Map.entry(11, "Q3_K_S"),
          Map.entry(12, "Q3_K_M"),
          Map.entry(13, "Q3_K_L"),
          Map.entry(14, "Q4_K_S"),
          Map.entry(15, "Q4_K_M"),
          Map.entry(16, "Q5_K_S"),
          Map.entry(17, "Q5_K_M"),
          Map.entry(18, "Q6_K"),
          Map.entry(21, "Q2_K_S"),
          Map.entry(25, "IQ4_NL"),
          Map.entry(30, "IQ4_XS"),
          Map.entry(32, "BF16"));

  private ModelSpecs() {}

  static ModelSpec of(GgufFile file, List<Integer> endOfGeneration) {
    GgufMetadata metadata = file.metadata();
    String architecture = metadata.string("general.architecture", "unknown");
    String prefix = architecture + ".";
    int layers = size(metadata, prefix + "block_count", MOST_LAYERS);
    int width = size(metadata, prefix + "embedding_length", Integer.MAX_VALUE);
    int heads = size(metadata, prefix + "attention.head_count", Integer.MAX_VALUE);
    int even = heads == 0 ? 0 : width / heads;
    String headsKv = prefix + "attention.head_count_kv";
    String keyLength = prefix + "attention.key_length";
    String valueLength = prefix + "attention.value_length";

    long[] layerBytes = new long[layers];
    long embeddingBytes = 0;
    long outputBytes = 0;
    long parameters = 0;
    boolean tied = !file.tensors().containsKey("output.weight");
    for (TensorInfo tensor : file.tensors().values()) {
      String name = tensor.name();
      parameters += tensor.elements();
      int layer = layerOf(name);
      if (layer >= 0 && layer < layers) {
        layerBytes[layer] += tensor.bytes();
      } else if (name.startsWith("output")) {
        outputBytes += tensor.bytes();
      } else {
        embeddingBytes += tensor.bytes();
        outputBytes += tied && name.equals("token_embd.weight") ? tensor.bytes() : 0;
      }
    }
    List<Long> perLayer = new ArrayList<>();
    for (long bytes : layerBytes) {
      perLayer.add(bytes);
    }
    return new ModelSpec(
        metadata.string("general.name", file.name()),
        architecture,
        quantization(file),
        layers,
        width,
        size(metadata, prefix + "feed_forward_length", Integer.MAX_VALUE),
        heads,
        metadata.has(headsKv) ? size(metadata, headsKv, Integer.MAX_VALUE) : heads,
        metadata.has(keyLength) ? size(metadata, keyLength, Integer.MAX_VALUE) : even,
        metadata.has(valueLength) ? size(metadata, valueLength, Integer.MAX_VALUE) : even,
        vocabularySize(file),
        size(metadata, prefix + "context_length", Integer.MAX_VALUE),
        parameters,
        perLayer,
        embeddingBytes,
        outputBytes,
        endOfGeneration);
  }

  /** 0 where the key is absent; the first layer's value where it is given per layer. */
  private static int size(GgufMetadata metadata, String key, int limit) {
    int value = metadata.has(key) ? metadata.integersPerLayer(key, 1)[0] : 0;
    if (value < 0 || value > limit) {
      throw new ModelFormatException(
          "metadata " + key + " is " + value + ", the limit is " + limit);
    }
    return value;
  }

  private static int vocabularySize(GgufFile file) {
    TensorInfo embedding = file.tensors().get("token_embd.weight");
    if (embedding != null && embedding.shape().size() > 1) {
      return (int) Math.min(Integer.MAX_VALUE, embedding.shape().get(1));
    }
    String tokens = "tokenizer.ggml.tokens";
    return file.metadata().has(tokens) ? file.metadata().strings(tokens).size() : 0;
  }

  /** The number in {@code blk.N.…}, or -1. */
  private static int layerOf(String name) {
    int dot = name.startsWith("blk.") ? name.indexOf('.', 4) : -1;
    try {
      return dot < 0 ? -1 : Integer.parseInt(name.substring(4, dot));
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  /** The type that most bytes of the layers' matrices are in; F32 where there are none. */
  static GgmlType layerType(GgufFile file) {
    EnumMap<GgmlType, Long> bytes = new EnumMap<>(GgmlType.class);
    bytes.put(GgmlType.F32, 0L);
    for (TensorInfo tensor : file.tensors().values()) {
      if (tensor.shape().size() > 1 && layerOf(tensor.name()) >= 0) {
        bytes.merge(tensor.type(), tensor.bytes(), Long::sum);
      }
    }
    return Collections.max(bytes.entrySet(), Map.Entry.comparingByValue()).getKey();
  }

  /**
   * What the file calls itself, where it holds a matrix of that type; else the type most bytes are
   * in.
   */
  private static String quantization(GgufFile file) {
    EnumMap<GgmlType, Long> bytes = new EnumMap<>(GgmlType.class);
    for (TensorInfo tensor : file.tensors().values()) {
      if (tensor.shape().size() > 1) {
        bytes.merge(tensor.type(), tensor.bytes(), Long::sum);
      }
    }
    if (bytes.isEmpty()) {
      return "none";
    }
    String stated = FILE_TYPES.get(file.metadata().integer("general.file_type", -1));
    for (GgmlType type : bytes.keySet()) {
      if (stated != null && (stated.equals(type.name()) || stated.startsWith(type.name() + "_"))) {
        return stated;
      }
    }
    return Collections.max(bytes.entrySet(), Map.Entry.comparingByValue()).getKey().name();
  }
}
