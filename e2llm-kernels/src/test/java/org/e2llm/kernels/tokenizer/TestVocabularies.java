package org.e2llm.kernels.tokenizer;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.kernels.gguf.GgufFile;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.model.ModelSource;
import org.e2llm.testing.Shared;

/** Vocabularies for tests: those of the shared folder, and small ones made here. */
final class TestVocabularies {
  static final int NORMAL = 1;
  static final int UNKNOWN = 2;
  static final int CONTROL = 3;
  static final int USER_DEFINED = 4;
  static final int BYTE = 6;

  private TestVocabularies() {}

  static GgufMetadata shared(String vocabulary) {
    return read(Shared.require("data/vocab/ggml-vocab-" + vocabulary + ".gguf"));
  }

  static GgufMetadata read(Path file) {
    try (GgufFile gguf = GgufFile.open(ModelSource.of(file))) {
      return gguf.metadata();
    }
  }

  /**
   * SentencePiece-style keys: {@code <unk>}, {@code <s>}, {@code </s>}, all byte tokens, a few
   * pieces that merge, {@code <|im_end|>} (control) and {@code [tool]} (user-defined).
   */
  static Map<String, Object> sentencePiece() {
    Builder builder = new Builder();
    builder.add("<unk>", 0, UNKNOWN).add("<s>", 0, CONTROL).add("</s>", 0, CONTROL);
    for (int b = 0; b < 256; b++) {
      builder.add(String.format("<0x%02X>", b), 0, BYTE);
    }
    String[] pieces = {"▁", "a", "b", "c", "<", "s", ">", "s>", "▁a", "ab", "bc", "▁ab", "▁▁", "é"};
    for (int i = 0; i < pieces.length; i++) {
      builder.add(pieces[i], -i, NORMAL);
    }
    builder.add("<|im_end|>", 0, CONTROL).add("[tool]", 0, USER_DEFINED);
    Map<String, Object> keys = builder.keys("llama");
    keys.put("tokenizer.ggml.scores", builder.scores());
    return keys;
  }

  /** Byte-level keys: all 256 bytes, "ab", "abc", " a", then a control and a user-defined token. */
  static Map<String, Object> byteLevel() {
    Builder builder = new Builder();
    for (int b = 0; b < 256; b++) {
      byte[] written = new byte[2];
      int length = ByteAlphabet.write(new byte[] {(byte) b}, 0, 1, written);
      builder.add(new String(written, 0, length, StandardCharsets.UTF_8), 0, NORMAL);
    }
    builder.add("ab", 0, NORMAL).add("abc", 0, NORMAL).add("Ġa", 0, NORMAL);
    builder.add("<|im_end|>", 0, CONTROL).add("[tool]", 0, USER_DEFINED);
    Map<String, Object> keys = builder.keys("gpt2");
    keys.put("tokenizer.ggml.pre", "gpt-2");
    keys.put("tokenizer.ggml.merges", List.of("a b", "ab c", "Ġ a"));
    return keys;
  }

  private static final class Builder {
    private final List<String> tokens = new ArrayList<>();
    private final List<Float> scores = new ArrayList<>();
    private final List<Integer> types = new ArrayList<>();

    Builder add(String token, float score, int type) {
      tokens.add(token);
      scores.add(score);
      types.add(type);
      return this;
    }

    float[] scores() {
      float[] result = new float[scores.size()];
      for (int i = 0; i < result.length; i++) {
        result[i] = scores.get(i);
      }
      return result;
    }

    Map<String, Object> keys(String model) {
      Map<String, Object> keys = new LinkedHashMap<>();
      keys.put("tokenizer.ggml.model", model);
      keys.put("tokenizer.ggml.tokens", List.copyOf(tokens));
      keys.put("tokenizer.ggml.token_type", types.stream().mapToInt(i -> i).toArray());
      return keys;
    }
  }

  /** The tokens' texts, joined by a bar. */
  static String pieces(org.e2llm.text.Tokenizer tokenizer, int[] tokens) {
    return String.join("|", Arrays.stream(tokens).mapToObj(tokenizer::piece).toList());
  }
}
