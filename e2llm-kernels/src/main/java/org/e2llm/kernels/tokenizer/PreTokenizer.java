package org.e2llm.kernels.tokenizer;

import static org.e2llm.kernels.tokenizer.CharacterClass.LETTER;
import static org.e2llm.kernels.tokenizer.CharacterClass.NUMBER;
import static org.e2llm.kernels.tokenizer.CharacterClass.PUNCTUATION;
import static org.e2llm.kernels.tokenizer.CharacterClass.SPACE;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.UnsupportedModelException;
import org.jspecify.annotations.Nullable;

/**
 * What {@code tokenizer.ggml.pre} names: how a byte-level vocabulary wants text cut into words, and
 * two habits that the reference engine ties to that name.
 *
 * @param splitters applied one after the other, each to the words of the one before
 * @param wholeWords whether a word that is a token is taken as it is, without merges
 * @param addBos whether BOS is added where the file does not say
 */
record PreTokenizer(List<Splitter> splitters, boolean wholeWords, boolean addBos) {
  private static final Map<String, PreTokenizer> BY_NAME = new LinkedHashMap<>();

  /** Letters that DeepSeek LLM counts as such: those with case, as of Unicode 12; inclusive. */
  private static final int[] DEEPSEEK_LETTERS =
      ranges(
          "41-5A 61-7A B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 376-377 37B-37D 37F "
              + "386 388-38A 38C 38E-3A1 3A3-3F5 3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 "
              + "13F8-13FD 1C90-1CBA 1CBD-1CBF 1D00-1D2B 1D6B-1D77 1D79-1D9A 1E00-1F15 1F18-1F1D "
              + "1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE "
              + "1FC2-1FC4 1FC6-1FCC 1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4 1FF6-1FFC 2102 2107 "
              + "210A-2113 2115 2119-211D 2124 2126 2128 212A-212D 212F-2134 2139 213C-213F "
              + "2145-2149 214E 2183-2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2-2CF3 A640-A66D "
              + "A680-A69B A722-A76F A771-A787 A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A "
              + "FF41-FF5A 10400-1044F 104B0-104D3 104D8-104FB 10C80-10CB2 10CC0-10CF2 118A0-118DF "
              + "1E900-1E943");

  private static final int[] DEEPSEEK_PUNCTUATION =
      ranges("21-2F 3A-7E FF01-FF0F FF1A-FF5E 2018-201F 3001-3002");

  private static final int[] DEEPSEEK_CJK = ranges("4E00-9FA5 800-4E00 AC00-D7FF");

  static {
    Splitter numbers = Splitter.singles((c, type) -> type == NUMBER);
    Splitter newlines = Splitter.singles((c, type) -> c == '\r' || c == '\n');
    Splitter cjk = Splitter.runs((c, type) -> type != SPACE && in(DEEPSEEK_CJK, c));
    Splitter gpt2 = WordSplitter.gpt2();

    register(
        true,
        true,
        List.of(WordSplitter.llama3(3)),
        "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2");
    register(false, false, List.of(WordSplitter.llama3(3)), "dbrx smaug-bpe glm4 chatglm-bpe");
    register(
        false,
        false,
        List.of(WordSplitter.llama3(1)),
        "qwen2 deepseek-r1-qwen megrez stablelm2 hunyuan grok-2 kormo solar-open");
    register(
        false,
        false,
        List.of(gpt2),
        "gpt-2 mpt phi-2 olmo jais trillion granite-docling exaone4 gigachat a.x-4.0 mellum");
    register(
        false,
        false,
        List.of(numbers, gpt2),
        "smollm starcoder refact command-r codeshell exaone minerva-7b mellum2");
    register(
        false,
        false,
        List.of(
            newlines,
            Splitter.runsAfterSpace((c, type) -> in(DEEPSEEK_LETTERS, c)),
            Splitter.runsAfterSpace((c, type) -> in(DEEPSEEK_PUNCTUATION, c)),
            Splitter.trailingSpace(),
            cjk,
            Splitter.runs((c, type) -> type == NUMBER)),
        "deepseek-llm");
    register(
        false,
        false,
        List.of(
            newlines,
            Splitter.runsAfterSpace((c, type) -> type == LETTER),
            Splitter.runsAfterSpace((c, type) -> type == PUNCTUATION),
            cjk,
            numbers),
        "deepseek-coder");
    register(
        false,
        false,
        List.of(
            Splitter.runs((c, type) -> type == PUNCTUATION || "$+<=>^~|`".indexOf(c) >= 0),
            gpt2,
            Splitter.digitTriples()),
        "falcon");
    register(
        false, false, List.of(WordSplitter.gpt4o(3, true)), "gpt-4o llama4 kanana2 minimax-m2");
    register(true, true, List.of(WordSplitter.gpt4o(1, false)), "tekken");
    register(
        false,
        false,
        List.of(
            Splitter.runs((c, type) -> type == PUNCTUATION || "$+<=>^~|".indexOf(c) >= 0),
            gpt2,
            Splitter.runs((c, type) -> type == NUMBER),
            Splitter.digitTriples()),
        "default");
  }

  /**
   * The pre-tokenizer of that name.
   *
   * @throws UnsupportedModelException for an unknown name; its message lists the known ones
   */
  static PreTokenizer of(String name) {
    @Nullable PreTokenizer result = BY_NAME.get(name);
    if (result == null) {
      throw new UnsupportedModelException(
          "tokenizer.ggml.pre is \""
              + name
              + "\", a pre-tokenizer that is not supported; supported are "
              + String.join(", ", BY_NAME.keySet()));
    }
    return result;
  }

  /** Where the words of {@code text} end, as code point indices. */
  IntList split(CodePoints text) {
    IntList ends = new IntList(text.size() / 4);
    if (text.size() == 0) {
      return ends;
    }
    ends.add(text.size());
    for (Splitter splitter : splitters) {
      IntList words = ends;
      ends = new IntList(text.size() / 4);
      int from = 0;
      for (int i = 0; i < words.size(); i++) {
        splitter.split(text, from, words.get(i), ends);
        from = words.get(i);
      }
    }
    return ends;
  }

  private static void register(
      boolean wholeWords, boolean addBos, List<Splitter> splitters, String names) {
    for (String name : names.split(" ")) {
      BY_NAME.put(name, new PreTokenizer(splitters, wholeWords, addBos));
    }
  }

  private static int[] ranges(String text) {
    List<Integer> bounds = new ArrayList<>();
    for (String range : text.split(" ")) {
      String[] ends = range.split("-");
      bounds.add(Integer.parseInt(ends[0], 16));
      bounds.add(Integer.parseInt(ends[ends.length - 1], 16));
    }
    return bounds.stream().mapToInt(Integer::intValue).toArray();
  }

  private static boolean in(int[] ranges, int codePoint) {
    for (int i = 0; i < ranges.length; i += 2) {
      if (codePoint >= ranges[i] && codePoint <= ranges[i + 1]) {
        return true;
      }
    }
    return false;
  }
}
