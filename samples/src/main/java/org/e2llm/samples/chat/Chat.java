package org.e2llm.samples.chat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import org.e2llm.Conversation;
import org.e2llm.E2llm;
import org.e2llm.E2llmException;
import org.e2llm.FinishReason;
import org.e2llm.Generation;
import org.e2llm.GenerationRequest;
import org.e2llm.Message;
import org.e2llm.Token;
import org.e2llm.UnknownChatTemplateException;
import org.e2llm.samples.cluster.ClusterOptions;
import org.e2llm.samples.cluster.ClusterShare;
import org.e2llm.samples.console.AnyText;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.ContextOption;
import org.e2llm.samples.console.ErrorLine;
import org.e2llm.samples.console.Interrupt;
import org.e2llm.samples.console.ModelOptions;
import org.e2llm.samples.console.Notes;
import org.e2llm.samples.console.ProgressLine;
import org.e2llm.samples.console.SamplingOptions;
import org.e2llm.samples.console.UsageException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A conversation: reads a line, streams the answer, and again. */
@Command(
    name = "chat",
    description = "Talks with a model in the terminal.",
    sortOptions = false,
    footer = {
      "",
      "The model must know a chat format, as instruct models do. Each line of input is one turn; only",
      "answers go to standard output, so that a script can talk too. Ctrl-C stops an answer; at the",
      "prompt, Ctrl-D or Ctrl-C twice ends. In the conversation:",
      "  /system TEXT   start anew with this system text",
      "  /reset         start anew",
      "  /help, /exit",
      "",
      "Examples:",
      "  samples/run chat --model SmolLM2-135M-Instruct-Q4_1.gguf",
      "  samples/run chat --model model.gguf --system \"Answer in one sentence.\" --temperature 0",
      "  printf 'Hello\\nWhat did I say?\\n' | samples/run chat --model model.gguf --quiet"
    })
public final class Chat implements Callable<Integer> {
  private static final String COMMANDS =
      "/system TEXT, /reset, /help, /exit; Ctrl-C stops an answer";

  private final Console console;
  private final TurnSwitch turn = new TurnSwitch();

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      preprocessor = AnyText.class,
      description =
          "What the model is told before the conversation; default: the model's own text.")
  private @Nullable String system;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private ContextOption context = new ContextOption();
  @Mixin private ClusterOptions cluster = new ClusterOptions();
  @Mixin private ClusterShare share = new ClusterShare();
  @Mixin private SamplingOptions sampling = new SamplingOptions();

  @Option(
      names = {"-q", "--quiet"},
      description = "Print the answers and nothing else.")
  private boolean quiet;

  public Chat(Console console) {
    this.console = console;
  }

  @Override
  @SuppressWarnings("try") // Ctrl-C is ours until the end of the block, which never names it
  public Integer call() throws IOException {
    try (Interrupt onCtrlC = Interrupt.on(() -> turn.interrupt(console));
        E2llm llm = open()) {
      requireChatFormat(llm);
      if (!quiet) {
        Notes.slowKernels(console, llm.kernels());
        console.noteln(llm.modelSpec().name() + " listens. " + COMMANDS);
      }
      converse(llm);
    }
    return 0;
  }

  private E2llm open() {
    try (ProgressLine progress = ProgressLine.on(console, !quiet)) {
      return share
          .apply(cluster.apply(context.apply(model.builder(cluster.isGiven())), console))
          .onProgress(progress)
          .open();
    }
  }

  /** Says at once, not at the first turn, that this model cannot chat. */
  private void requireChatFormat(E2llm llm) {
    try {
      llm.chatTemplate().render(List.of(Message.user("?")), true);
    } catch (UnknownChatTemplateException e) {
      throw new UsageException(
          llm.modelSpec().name()
              + " has no chat format that is known here; choose an instruct model with --model, or"
              + " pass a raw prompt to the command generate");
    }
  }

  private void converse(E2llm llm) throws IOException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8));
    Conversation conversation = begin(llm);
    try {
      for (String line = ask(lines); line != null; line = ask(lines)) {
        String word = line.strip();
        if (word.equals("/exit") || word.equals("/quit")) {
          return;
        } else if (word.equals("/help")) {
          console.noteln(COMMANDS);
        } else if (word.equals("/reset") || word.equals("/system") || word.startsWith("/system ")) {
          if (word.startsWith("/system")) {
            system = word.substring("/system".length()).strip();
          }
          conversation.close();
          conversation = begin(llm);
        } else if (!word.isEmpty()) {
          answer(conversation, line);
        }
      }
    } finally {
      conversation.close();
    }
  }

  private Conversation begin(E2llm llm) {
    return system == null || system.isEmpty() ? llm.conversation() : llm.conversation(system);
  }

  /** The next line; null at the end of the input. */
  private @Nullable String ask(BufferedReader lines) throws IOException {
    if (console.terminals().in()) {
      console.note("> ");
    }
    String line = lines.readLine();
    if (line == null && console.terminals().in()) {
      console.noteln("");
    }
    turn.spoken();
    return line;
  }

  private void answer(Conversation conversation, String line) {
    try (ProgressLine progress = ProgressLine.on(console, !quiet)) {
      Generation generation =
          conversation.send(
              sampling
                  .apply(GenerationRequest.builder())
                  .messages(Message.user(line))
                  .onPrefill(progress)
                  .build());
      turn.begin(generation);
      try {
        for (Token token : generation) {
          progress.finish();
          console.print(token.text());
        }
      } finally {
        turn.end();
        console.print("\n");
      }
      if (generation.await().finishReason() == FinishReason.LENGTH && !quiet) {
        console.noteln("(cut: the answer reached --max-tokens or the end of the context)");
      }
    } catch (E2llmException e) {
      if (!console.terminals().in()) {
        throw e;
      }
      console.noteln("error: " + ErrorLine.of(e)); // a person can go on, with /reset for example
    }
  }
}
