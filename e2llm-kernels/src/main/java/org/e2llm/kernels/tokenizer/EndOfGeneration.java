package org.e2llm.kernels.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.e2llm.kernels.gguf.GgufMetadata;

/**
 * The tokens that end a generation: those the file names, and those that are known by their text,
 * since files name one where chat models have several. The texts are those the reference engine
 * knows. On the way, other control tokens that files type otherwise are found.
 */
final class EndOfGeneration {
  private static final List<String> KEYS =
      List.of("eos", "eot", "eom", "fim_pad", "fim_rep", "fim_sep");

  /** Nothing but a control token is written like this, whatever type the file gives it. */
  private static final List<String> UNMISTAKABLE =
      List.of(
          "<|eot_id|>",
          "<|im_end|>",
          "<|end|>",
          "<|return|>",
          "<|call|>",
          "<|flush|>",
          "<|calls|>",
          "<end_of_turn>",
          "<|endoftext|>",
          "<|eom_id|>",
          "<|end_of_text|>",
          "<end_of_utterance>",
          "<|tool_response>",
          "<｜end▁of▁sentence｜>",
          "<|fim_pad|>",
          "<|repo_name|>",
          "<|fim_repo|>",
          "<|file_sep|>");

  /** May be markup, so that a normal token of this text is no end. */
  private static final List<String> WHERE_SPECIAL =
      List.of(
          "</s>",
          "<eos>",
          "<EOT>",
          "_<EOT>",
          "[EOT]",
          "[EOS]",
          "<turn|>",
          "[e~[",
          "<fim-pad>",
          "<fim_pad>",
          "<PAD>",
          "<fim-repo>",
          "<REPO>",
          "<reponame>");

  /** Marks for filling in the middle: control tokens as well, but no end. */
  private static final List<String> FILL_IN_MIDDLE =
      List.of(
          "<|fim_prefix|>",
          "<fim-prefix>",
          "<fim_prefix>",
          "<｜fim▁begin｜>",
          "<PRE>",
          "▁<PRE>",
          "<|code_prefix|>",
          "<|prefix|>",
          "<|fim_suffix|>",
          "<fim-suffix>",
          "<fim_suffix>",
          "<｜fim▁hole｜>",
          "<SUF>",
          "▁<SUF>",
          "<|code_suffix|>",
          "<|suffix|>",
          "<|fim_middle|>",
          "<fim-middle>",
          "<fim_middle>",
          "<｜fim▁end｜>",
          "<MID>",
          "▁<MID>",
          "<|code_middle|>",
          "<|middle|>");

  private final List<Integer> ids;
  private final List<Integer> controls;

  private EndOfGeneration(Set<Integer> ids, Set<Integer> controls) {
    this.ids = List.copyOf(ids);
    this.controls = List.copyOf(controls);
  }

  static EndOfGeneration of(Vocabulary vocabulary, GgufMetadata metadata) {
    Set<Integer> controls = new TreeSet<>();
    find(vocabulary, UNMISTAKABLE, false, controls);
    find(vocabulary, WHERE_SPECIAL, true, controls);
    Set<Integer> ids = new TreeSet<>(controls);
    find(vocabulary, FILL_IN_MIDDLE, true, controls);
    List<Integer> named = new ArrayList<>();
    for (String key : KEYS) {
      named.add(Vocabulary.specialId(metadata, key, vocabulary.size(), -1));
    }
    named.add(vocabulary.eos());
    for (int id : named) {
      if (id >= 0) {
        ids.add(id);
      }
    }
    return new EndOfGeneration(ids, controls);
  }

  private static void find(
      Vocabulary vocabulary, List<String> texts, boolean onlySpecial, Set<Integer> result) {
    for (String text : texts) {
      int id = vocabulary.find(text);
      if (id >= 0 && (!onlySpecial || vocabulary.type(id).isSpecial())) {
        result.add(id);
      }
    }
  }

  /** Ascending. */
  List<Integer> ids() {
    return ids;
  }

  /** Tokens known by their text to be control tokens, whatever type the file gives them. */
  List<Integer> controls() {
    return controls;
  }
}
