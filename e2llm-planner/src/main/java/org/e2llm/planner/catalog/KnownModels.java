package org.e2llm.planner.catalog;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.GgmlType;
import org.e2llm.model.ModelSpec;

/**
 * The models of the study, with the bytes their files have: in Q4_K_M half the layers keep attn_v
 * and ffn_down in Q6_K, as does the output head.
 */
public final class KnownModels {
  private KnownModels() {}

  /** Names that {@link #get} knows. */
  public static List<String> names() {
    return List.of("llama3-8b-q4", "qwen25-32b-q4");
  }

  /**
   * A model by name.
   *
   * @throws InvalidRequestException if there is none of it
   */
  public static ModelSpec get(String name) {
    switch (name) {
      case "llama3-8b-q4":
        return q4KM("Llama-3-8B", "llama", 32, 4096, 14336, 32, 8, 128256, 8192);
      case "qwen25-32b-q4":
        return q4KM("Qwen2.5-32B", "qwen2", 64, 5120, 27648, 40, 8, 152064, 32768);
      default:
        throw new InvalidRequestException(
            "model " + name + " is not known; there are " + names() + ", or a GGUF file");
    }
  }

  private static ModelSpec q4KM(
      String name,
      String architecture,
      int layers,
      long hidden,
      long feedForward,
      int heads,
      int headsKv,
      int vocabulary,
      int context) {
    int headSize = 128;
    long values = headsKv * headSize * hidden;
    long down = feedForward * hidden;
    long others = 2 * heads * headSize * hidden + values + 2 * feedForward * hidden;
    List<Long> layerBytes = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      GgmlType fine = moreBits(i, layers) ? GgmlType.Q6_K : GgmlType.Q4_K;
      layerBytes.add(GgmlType.Q4_K.bytes(others) + fine.bytes(values + down));
    }
    long head = vocabulary * hidden;
    return new ModelSpec(
        name,
        architecture,
        "Q4_K_M",
        layers,
        (int) hidden,
        (int) feedForward,
        heads,
        headsKv,
        headSize,
        headSize,
        vocabulary,
        context,
        layers * (others + values + down) + 2 * head,
        layerBytes,
        GgmlType.Q4_K.bytes(head),
        GgmlType.Q6_K.bytes(head),
        List.of());
  }

  /**
   * Which layers llama.cpp's quantiser gives more bits: an eighth at both ends, a third between.
   */
  private static boolean moreBits(int layer, int layers) {
    return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
  }
}
