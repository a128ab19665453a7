package org.e2llm.testing;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.text.TextSegment;
import org.e2llm.text.Tokenizer;

/**
 * One token per byte, tokens of several bytes that are never encoded but may be generated, and
 * special tokens.
 */
public final class FakeTokenizer implements Tokenizer {
  public static final int BOS = 256;
  public static final int EOS = 257;
  public static final int TURN = 258;

  /** A token after which {@link FakeStage} gives logits that are not finite. */
  public static final int NAN = 259;

  private static final String[] WORDS = {"the ", " sat", "ab", "aba", "\n\n", "é", "😀 ", "stop"};

  public static final int VOCABULARY = 260 + WORDS.length;

  @Override
  public int vocabularySize() {
    return VOCABULARY;
  }

  @Override
  public int bos() {
    return BOS;
  }

  @Override
  public int eos() {
    return EOS;
  }

  @Override
  public boolean addsBos() {
    return true;
  }

  @Override
  public List<Integer> endOfGeneration() {
    return List.of(EOS);
  }

  @Override
  public int[] encode(List<TextSegment> segments, boolean addSpecial) {
    List<Integer> tokens = new ArrayList<>();
    if (addSpecial) {
      tokens.add(BOS);
    }
    for (TextSegment segment : segments) {
      String rest = segment.text();
      while (!rest.isEmpty()) {
        int special = segment.parseSpecial() ? specialAt(rest) : -1;
        String head =
            special >= 0 ? piece(special) : rest.substring(0, rest.offsetByCodePoints(0, 1));
        if (special >= 0) {
          tokens.add(special);
        } else {
          for (byte b : head.getBytes(StandardCharsets.UTF_8)) {
            tokens.add(b & 0xFF);
          }
        }
        rest = rest.substring(head.length());
      }
    }
    return tokens.stream().mapToInt(Integer::intValue).toArray();
  }

  private int specialAt(String text) {
    for (int token = BOS; token <= NAN; token++) {
      if (text.startsWith(piece(token))) {
        return token;
      }
    }
    return -1;
  }

  @Override
  public byte[] bytes(int token) {
    if (token < BOS) {
      return new byte[] {(byte) token};
    }
    return isControl(token) ? new byte[0] : WORDS[token - 260].getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public String piece(int token) {
    switch (token) {
      case BOS:
        return "<s>";
      case EOS:
        return "</s>";
      case TURN:
        return "<|turn|>";
      case NAN:
        return "<|nan|>";
      default:
        return new String(bytes(token), StandardCharsets.UTF_8);
    }
  }

  @Override
  public boolean isControl(int token) {
    return token >= BOS && token <= NAN;
  }

  @Override
  public String decode(int[] tokens, boolean special) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int token : tokens) {
      byte[] bytes =
          special && isControl(token)
              ? piece(token).getBytes(StandardCharsets.UTF_8)
              : bytes(token);
      out.write(bytes, 0, bytes.length);
    }
    return new String(out.toByteArray(), StandardCharsets.UTF_8);
  }
}
