package org.e2llm.kernels.chat;

import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.e2llm.InvalidRequestException;
import org.e2llm.Message;
import org.e2llm.UnknownChatTemplateException;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.text.ChatTemplate;
import org.e2llm.text.TextSegment;
import org.e2llm.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** Recognises a model's chat format by {@code tokenizer.chat_template} and renders it. */
public final class ChatTemplates {
  private static final String KEY = "tokenizer.chat_template";
  private static final int MAX_LENGTH = 256 << 10;
  private static final String RAW_PROMPT =
      " Pass the whole prompt yourself with GenerationRequest.builder().prompt(…).";

  /** A known format, and what its templates hold; the first that fits counts. */
  private enum Format {
    CHATML("chatml", "<|im_start|>", "<|im_end|>"),
    LLAMA3("llama3", "<|start_header_id|>", "<|eot_id|>"),
    GEMMA("gemma", "<start_of_turn>", "<end_of_turn>"),
    ZEPHYR("zephyr", "<|user|>", "eos_token", "<|assistant|>", "<|system|>"),
    PHI3("phi3", "<|end|>", "<|assistant|>"),
    LLAMA2("llama2", "[INST]", "<<SYS>>"),
    MISTRAL("mistral", "[INST]", "[/INST]");

    final String label;
    final String[] marks;

    Format(String label, String... marks) {
      this.label = label;
      this.marks = marks;
    }

    boolean fits(String source) {
      for (String mark : marks) {
        if (!source.contains(mark)) {
          return false;
        }
      }
      return source.contains("messages") && (this != ZEPHYR || !source.contains("<|end|>"));
    }

    static String known() {
      return "ChatML, Llama 2, Llama 3, Gemma, Phi-3, Mistral and Zephyr";
    }
  }

  private ChatTemplates() {}

  /** The template of a model; one that is not recognised throws when it is asked to render. */
  public static ChatTemplate of(GgufMetadata metadata, Tokenizer tokenizer) {
    String source = metadata.has(KEY) ? metadata.string(KEY) : null;
    return of(
        source,
        piece(tokenizer, tokenizer.bos()),
        piece(tokenizer, tokenizer.eos()),
        LocalDate::now);
  }

  private static String piece(Tokenizer tokenizer, int token) {
    return token < 0 ? "" : tokenizer.piece(token);
  }

  /**
   * @param source the Jinja template, or null where the model has none
   * @param bos text of the beginning-of-sequence token
   * @param eos text of the end-of-sequence token
   * @param today what a template that writes the date writes
   */
  static ChatTemplate of(
      @Nullable String source, String bos, String eos, Supplier<LocalDate> today) {
    if (source == null) {
      return new Refusal("none", "This model has no chat template (" + KEY + ")." + RAW_PROMPT);
    }
    String start = source.substring(0, Math.min(80, source.length())).replace('\n', ' ');
    String unknown =
        "The model's chat template is not one of " + Format.known() + ": \"" + start + "…\"";
    if (source.length() > MAX_LENGTH) {
      return new Refusal(
          "unknown",
          unknown
              + " has "
              + source.length()
              + " characters, limit "
              + MAX_LENGTH
              + "."
              + RAW_PROMPT);
    }
    for (Format format : Format.values()) {
      if (format.fits(source)) {
        try {
          return new Known(format, TemplateProgram.parse(source), bos, eos, today);
        } catch (TemplateException e) {
          return new Refusal("unknown", unknown + " (" + e.getMessage() + ")." + RAW_PROMPT);
        }
      }
    }
    return new Refusal("unknown", unknown + "." + RAW_PROMPT);
  }

  /** A template that cannot be rendered, and why. */
  private record Refusal(String name, String why) implements ChatTemplate {
    @Override
    public List<TextSegment> render(List<Message> messages, boolean addGenerationPrompt) {
      throw new UnknownChatTemplateException(why);
    }
  }

  /** Carries a template's own {@code raise_exception} through the interpreter. */
  private static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Refused(String reason) {
      super(reason);
    }
  }

  /** A template of a known format. */
  private record Known(
      Format format, TemplateProgram program, String bos, String eos, Supplier<LocalDate> today)
      implements ChatTemplate {
    @Override
    public String name() {
      return format.label;
    }

    @Override
    public List<TextSegment> render(List<Message> messages, boolean addGenerationPrompt) {
      if (messages.isEmpty()) {
        throw new InvalidRequestException("A conversation needs at least one message");
      }
      List<Object> turns = new ArrayList<>();
      for (Message message : messages) {
        Map<String, Object> turn = new HashMap<>();
        turn.put("role", Text.ofTemplate(message.role().label()));
        turn.put("content", Text.ofMessage(message.content()));
        turns.add(turn);
      }
      Map<String, Object> names = new HashMap<>();
      names.put("messages", turns);
      names.put("add_generation_prompt", addGenerationPrompt);
      names.put("bos_token", Text.ofTemplate(bos));
      names.put("eos_token", Text.ofTemplate(eos));
      names.put("tools", Values.NONE);
      names.put("documents", Values.NONE);
      names.put("raise_exception", (Values.Function) Known::raise);
      names.put("strftime_now", (Values.Function) this::date);
      try {
        return program.run(names).segments();
      } catch (Refused e) {
        throw new InvalidRequestException(
            "The model's chat template refuses this conversation: " + e.getMessage());
      } catch (TemplateException e) {
        throw new UnknownChatTemplateException(
            "The model's chat template cannot be rendered: " + e.getMessage() + "." + RAW_PROMPT);
      }
    }

    private static Object raise(List<Object> arguments, Map<String, Object> named) {
      throw new Refused(arguments.isEmpty() ? "" : Values.text(arguments.get(0)).value());
    }

    private Object date(List<Object> arguments, Map<String, Object> named) {
      String pattern = arguments.isEmpty() ? "" : Values.text(arguments.get(0)).value();
      String java =
          pattern
              .replace("%d", "dd")
              .replace("%b", "MMM")
              .replace("%B", "MMMM")
              .replace("%m", "MM")
              .replace("%Y", "yyyy");
      if (java.indexOf('%') >= 0) {
        throw new TemplateException("date format '" + pattern + "' is not known");
      }
      return Text.ofTemplate(today.get().format(DateTimeFormatter.ofPattern(java, Locale.ENGLISH)));
    }
  }
}
