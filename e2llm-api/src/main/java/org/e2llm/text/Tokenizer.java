package org.e2llm.text;

import java.util.List;

/** Text to token ids and back, as the model's file states it. Thread-safe. */
public interface Tokenizer {
  int vocabularySize();

  /** The beginning-of-sequence token, or -1. */
  int bos();

  /** The end-of-sequence token, or -1. */
  int eos();

  /** Whether {@link #encode} with {@code addSpecial} puts {@link #bos()} first. */
  boolean addsBos();

  /** Token ids that end a generation, ascending. */
  List<Integer> endOfGeneration();

  /**
   * Token ids of the segments, tokenised as one text.
   *
   * @param addSpecial whether BOS and EOS are added as the model's metadata says
   */
  int[] encode(List<TextSegment> segments, boolean addSpecial);

  /** Token ids of {@code text}. */
  default int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
    return encode(List.of(new TextSegment(text, parseSpecial)), addSpecial);
  }

  /**
   * The UTF-8 bytes a token stands for in generated text; a part of a character for byte tokens,
   * empty for control tokens. The array is shared: read only.
   */
  byte[] bytes(int token);

  /** The token as its vocabulary writes it, such as {@code <|im_start|>} or {@code ▁the}. */
  String piece(int token);

  /** Whether the token is a control token, which never appears in text. */
  boolean isControl(int token);

  /**
   * Text of {@code tokens}: the way back from {@link #encode}. Strips the one space that encoding
   * put in front. Bytes that are no valid UTF-8 become U+FFFD.
   *
   * @param special whether control tokens are written as their piece instead of left out
   */
  String decode(int[] tokens, boolean special);
}
