package org.e2llm.kernels.tokenizer;

import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.ModelFormatException;
import org.e2llm.UnsupportedModelException;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** Makes the tokenizer that a GGUF file describes in its keys {@code tokenizer.ggml.*}. */
public final class Tokenizers {
  private static final Logger LOG = Logger.getLogger(Tokenizers.class.getName());

  private Tokenizers() {}

  /**
   * The tokenizer of a model, or of a file that is a vocabulary and nothing else.
   *
   * @throws UnsupportedModelException where {@code tokenizer.ggml.model} or {@code
   *     tokenizer.ggml.pre} names something else than the message lists
   * @throws ModelFormatException where the vocabulary is damaged; the message names the key
   */
  public static Tokenizer of(GgufMetadata metadata) {
    String model = metadata.string("tokenizer.ggml.model");
    return switch (model) {
      case "llama" -> sentencePiece(metadata);
      case "gpt2" -> byteLevel(metadata, true);
      default ->
          throw new UnsupportedModelException(
              "tokenizer.ggml.model is \""
                  + model
                  + "\", a tokenizer that is not supported; supported are llama, gpt2");
    };
  }

  private static Tokenizer sentencePiece(GgufMetadata metadata) {
    Vocabulary vocabulary = Vocabulary.read(metadata, 1, 2, 0);
    return tokenizer(metadata, vocabulary, new SentencePieceCodec(metadata, vocabulary), true);
  }

  /** With jtokkit only where {@code jtokkitAllowed} and where it is exact. */
  static Tokenizer byteLevel(GgufMetadata metadata, boolean jtokkitAllowed) {
    PreTokenizer preTokenizer = PreTokenizer.of(metadata.string("tokenizer.ggml.pre", "default"));
    Vocabulary vocabulary = Vocabulary.read(metadata, -1, -1, -1);
    MergeTable merges = MergeTable.read(metadata, vocabulary);
    @Nullable JtokkitMerger jtokkit = jtokkitAllowed ? JtokkitMerger.of(merges) : null;
    LOG.log(Level.FINE, "merge engine: {0}", jtokkit == null ? "own" : "jtokkit");
    return tokenizer(
        metadata,
        vocabulary,
        new ByteLevelCodec(vocabulary, preTokenizer, merges, jtokkit),
        preTokenizer.addBos());
  }

  private static Tokenizer tokenizer(
      GgufMetadata metadata, Vocabulary vocabulary, TokenCodec codec, boolean addBos) {
    boolean addsBos = adds(metadata, "bos", addBos, vocabulary.bos());
    boolean addsEos = adds(metadata, "eos", false, vocabulary.eos());
    return new VocabularyTokenizer(vocabulary, codec, addsBos, addsEos);
  }

  private static boolean adds(GgufMetadata metadata, String name, boolean fallback, int id) {
    String key = "tokenizer.ggml.add_" + name + "_token";
    boolean adds = metadata.bool(key, fallback);
    if (adds && id < 0) {
      throw new ModelFormatException(
          key + " is true, but tokenizer.ggml." + name + "_token_id names no token");
    }
    return adds;
  }
}
