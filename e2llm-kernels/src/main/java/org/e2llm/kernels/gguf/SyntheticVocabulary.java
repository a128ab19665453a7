package org.e2llm.kernels.gguf;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Made-up tokenizers, complete enough for any engine to load and use: every merged token is the
 * concatenation of two earlier ones, so all can be reached. Deterministic.
 */
final class SyntheticVocabulary {
  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int UNUSED = 5;
  private static final int BYTE = 6;
  private static final int MAX_TOKEN_LENGTH = 12;

  private final List<String> tokens = new ArrayList<>();
  private final List<Integer> types = new ArrayList<>();
  private final List<String> merges = new ArrayList<>();
  private final Set<String> seen = new HashSet<>();
  private final SplittableRandom random = new SplittableRandom(1);

  private SyntheticVocabulary() {}

  /**
   * SentencePiece-style, as Llama 2 has it: control, byte, merged tokens, then single characters.
   */
  static void putSentencePiece(GgufWriter writer, int size) {
    SyntheticVocabulary vocabulary = new SyntheticVocabulary();
    vocabulary.add("<unk>", UNKNOWN);
    vocabulary.add("<s>", CONTROL);
    vocabulary.add("</s>", CONTROL);
    for (int i = 0; i < 256; i++) {
      vocabulary.add(String.format(Locale.ROOT, "<0x%02X>", i), BYTE);
    }
    int firstMerge = vocabulary.tokens.size();
    List<String> characters = new ArrayList<>();
    characters.add("\u2581");
    for (char c = '!'; c <= '~'; c++) {
      characters.add(String.valueOf(c));
    }
    List<String> parts = new ArrayList<>(characters);
    while (vocabulary.tokens.size() + characters.size() < size) {
      parts.add(vocabulary.merge(parts));
    }
    for (String character : characters) {
      vocabulary.add(character, NORMAL);
    }
    float[] scores = new float[size];
    for (int i = firstMerge; i < size; i++) {
      scores[i] = firstMerge - i;
    }
    writer
        .put("tokenizer.ggml.model", "llama")
        .put("tokenizer.ggml.pre", "default")
        .put("tokenizer.ggml.tokens", vocabulary.tokens)
        .put("tokenizer.ggml.scores", scores)
        .put("tokenizer.ggml.token_type", vocabulary.types)
        .put("tokenizer.ggml.bos_token_id", 1)
        .put("tokenizer.ggml.eos_token_id", 2)
        .put("tokenizer.ggml.unknown_token_id", 0)
        .put("tokenizer.ggml.add_bos_token", true)
        .put("tokenizer.ggml.add_eos_token", false);
  }

  /** Byte-level BPE, as Qwen 2 has it: bytes, merges, three control tokens, padding. */
  static void putByteLevelBpe(GgufWriter writer, int size, int controls) {
    SyntheticVocabulary vocabulary = new SyntheticVocabulary();
    for (String letter : byteLetters()) {
      vocabulary.add(letter, NORMAL);
    }
    List<String> parts = new ArrayList<>(vocabulary.tokens);
    while (vocabulary.tokens.size() < controls) {
      parts.add(vocabulary.merge(parts));
    }
    vocabulary.add("<|endoftext|>", CONTROL);
    vocabulary.add("<|im_start|>", CONTROL);
    vocabulary.add("<|im_end|>", CONTROL);
    for (int i = vocabulary.tokens.size(); i < size; i++) {
      vocabulary.add("[PAD" + i + "]", UNUSED);
    }
    writer
        .put("tokenizer.ggml.model", "gpt2")
        .put("tokenizer.ggml.pre", "qwen2")
        .put("tokenizer.ggml.tokens", vocabulary.tokens)
        .put("tokenizer.ggml.token_type", vocabulary.types)
        .put("tokenizer.ggml.merges", vocabulary.merges)
        .put("tokenizer.ggml.bos_token_id", controls)
        .put("tokenizer.ggml.eos_token_id", controls + 2)
        .put("tokenizer.ggml.padding_token_id", controls)
        .put("tokenizer.ggml.add_bos_token", false);
  }

  private void add(String token, int type) {
    tokens.add(token);
    types.add(type);
    seen.add(token);
  }

  /** Adds a token made of two of {@code parts}, early ones more often than late ones. */
  private String merge(List<String> parts) {
    while (true) {
      String left = parts.get(pick(parts.size()));
      String right = parts.get(pick(parts.size()));
      String both = left + right;
      if (both.length() <= MAX_TOKEN_LENGTH && !seen.contains(both)) {
        add(both, NORMAL);
        merges.add(left + " " + right);
        return both;
      }
    }
  }

  private int pick(int size) {
    double uniform = random.nextDouble();
    return (int) (uniform * uniform * size);
  }

  /** GPT-2's letters for bytes: printable ones stand for themselves, the rest from U+0100 on. */
  private static List<String> byteLetters() {
    List<String> letters = new ArrayList<>();
    for (char c = 0; c < 256; c++) {
      if (isPrintable(c)) {
        letters.add(String.valueOf(c));
      }
    }
    int others = 256 - letters.size();
    for (int i = 0; i < others; i++) {
      letters.add(String.valueOf((char) (256 + i)));
    }
    return letters;
  }

  private static boolean isPrintable(char c) {
    return (c >= '!' && c <= '~') || (c >= 0xa1 && c <= 0xac) || c >= 0xae;
  }
}
