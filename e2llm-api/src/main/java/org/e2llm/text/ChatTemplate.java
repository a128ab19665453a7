package org.e2llm.text;

import java.util.List;
import org.e2llm.Message;

/** How a model wants a conversation written. */
public interface ChatTemplate {
  /** The recognised format, such as {@code chatml} or {@code llama3}. */
  String name();

  /**
   * The conversation as the model's own template writes it.
   *
   * @param messages at least one
   * @param addGenerationPrompt whether the head of the assistant's answer follows
   * @return segments; special tokens are parsed in the template's own text, never in a message
   * @throws org.e2llm.UnknownChatTemplateException where the model's template is not recognised
   */
  List<TextSegment> render(List<Message> messages, boolean addGenerationPrompt);
}
