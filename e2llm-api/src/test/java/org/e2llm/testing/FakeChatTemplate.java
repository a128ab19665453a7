package org.e2llm.testing;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.Message;
import org.e2llm.text.ChatTemplate;
import org.e2llm.text.TextSegment;

/** {@code <|turn|>role:content</s>} for every message. */
public final class FakeChatTemplate implements ChatTemplate {
  @Override
  public String name() {
    return "fake";
  }

  @Override
  public List<TextSegment> render(List<Message> messages, boolean addGenerationPrompt) {
    List<TextSegment> segments = new ArrayList<>();
    for (Message message : messages) {
      segments.add(new TextSegment("<|turn|>" + message.role().label() + ":", true));
      segments.add(new TextSegment(message.content(), false));
      segments.add(new TextSegment("</s>", true));
    }
    if (addGenerationPrompt) {
      segments.add(new TextSegment("<|turn|>assistant:", true));
    }
    return segments;
  }
}
