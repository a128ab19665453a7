package org.e2llm.kernels.tokenizer;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingRegistry;
import com.knuddels.jtokkit.api.GptBytePairEncodingParams;
import com.knuddels.jtokkit.api.IntArrayList;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * jtokkit as merge engine, for vocabularies where it gives what the merges give.
 *
 * <p>jtokkit knows no merges: two neighbours merge where their text is a token, that of the lowest
 * rank first. A token's text, wherever it is in a word and as long as no merge crosses its borders,
 * is merged as if it stood alone, so its last merge is always the same one. With the rank of that
 * merge as the token's rank, and only tokens that come about this way, both rules do the same in
 * every step. What remains to be checked is that every byte is a token (for one that is not jtokkit
 * gives the id 2147483646), and that everything merges make is a token. Merges that repeat a
 * result, of which Llama 3 has 152,403, do no harm.
 *
 * <p>Thread-safe.
 */
final class JtokkitMerger {
  /** Longer words are not for jtokkit, which takes quadratic time there. */
  static final int LONGEST_WORD = 128;

  private static final Pattern WHOLE_WORD = Pattern.compile("[\\s\\S]++");

  private final Encoding encoding;

  /** Token of each of jtokkit's ranks: the 256 bytes, then one per merge. */
  private final int[] tokens;

  private JtokkitMerger(Map<byte[], Integer> ranks, int[] tokens) {
    this.tokens = tokens;
    EncodingRegistry registry = Encodings.newLazyEncodingRegistry();
    registry.registerGptBytePairEncoding(
        new GptBytePairEncodingParams("gguf", WHOLE_WORD, ranks, Map.of()));
    encoding = registry.getEncoding("gguf").orElseThrow();
  }

  /** The engine for these merges, or null where it would not be exact. */
  static @Nullable JtokkitMerger of(MergeTable table) {
    int[] tokens = new int[256 + table.size()];
    Arrays.fill(tokens, -1);
    Map<byte[], Integer> ranks = new IdentityHashMap<>();
    for (int b = 0; b < 256; b++) {
      tokens[b] = table.byteSymbol((byte) b);
      if (!table.isToken(tokens[b])) {
        return null;
      }
      ranks.put(new byte[] {(byte) b}, b);
    }
    MergeLoop loop = new MergeLoop(table);
    IntList merged = new IntList(16);
    boolean[] seen = new boolean[table.symbols()];
    for (int i = 0; i < table.size(); i++) {
      int symbol = table.result(i);
      if (symbol < 0 || seen[symbol]) {
        continue;
      }
      seen[symbol] = true;
      byte[] bytes = table.bytes(symbol);
      merged.clear();
      loop.merge(bytes, 0, bytes.length, merged);
      if (merged.size() != 1 || merged.get(0) != symbol) {
        continue;
      }
      if (!table.isToken(symbol)) {
        return null;
      }
      int rank = 256 + loop.lastRank();
      tokens[rank] = symbol;
      ranks.put(bytes, rank);
    }
    return new JtokkitMerger(ranks, tokens);
  }

  /** Adds the tokens of the word {@code text[from, to)}, valid UTF-8, to {@code result}. */
  void merge(byte[] text, int from, int to, IntList result) {
    IntArrayList ranks =
        encoding.encodeOrdinary(new String(text, from, to - from, StandardCharsets.UTF_8));
    for (int i = 0; i < ranks.size(); i++) {
      result.add(tokens[ranks.get(i)]);
    }
  }
}
