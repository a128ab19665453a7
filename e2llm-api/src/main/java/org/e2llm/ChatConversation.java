package org.e2llm;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.serving.GenerationService;
import org.e2llm.serving.KvHold;
import org.e2llm.serving.Submission;
import org.jspecify.annotations.Nullable;

/** A conversation: the messages, and the hold its KV cache stays in. The monitor guards both. */
final class ChatConversation implements Conversation {
  private final GenerationService serving;
  private final Prompts prompts;
  private final KvHold hold;
  private List<Message> messages;
  private boolean turnRuns;
  private @Nullable Generation running;
  private boolean closed;

  ChatConversation(GenerationService serving, Prompts prompts, List<Message> beginning) {
    this.serving = serving;
    this.prompts = prompts;
    this.messages = beginning;
    this.hold = serving.hold();
  }

  @Override
  public Generation send(String userText) {
    return send(GenerationRequest.builder().messages(Message.user(userText)).build());
  }

  @Override
  public synchronized Generation send(GenerationRequest turn) {
    if (closed) {
      throw new ClosedException("the conversation was closed");
    }
    if (turnRuns) {
      throw new IllegalStateException("a turn of this conversation still runs: await or cancel it");
    }
    if (turn.messages().isEmpty()) {
      throw new InvalidRequestException(
          "a turn of a conversation needs messages, not a raw prompt");
    }
    List<Message> before = messages;
    List<Message> asked = new ArrayList<>(before);
    asked.addAll(turn.messages());
    Submission submission =
        prompts.submission(
            turn, prompts.encode(asked), hold, (result, error) -> ended(before, asked, result));
    messages = asked;
    turnRuns = true;
    try {
      Generation generation = serving.submit(submission);
      running = generation;
      return generation;
    } catch (RuntimeException e) {
      messages = before;
      turnRuns = false;
      throw e;
    }
  }

  private synchronized void ended(
      List<Message> before, List<Message> asked, @Nullable GenerationResult result) {
    turnRuns = false;
    running = null;
    if (result == null) {
      messages = before;
    } else {
      List<Message> answered = new ArrayList<>(asked);
      answered.add(Message.assistant(result.text()));
      messages = answered;
    }
  }

  @Override
  public synchronized List<Message> messages() {
    return List.copyOf(messages);
  }

  @Override
  public int cachedTokens() {
    return hold.length();
  }

  @Override
  public void close() {
    Generation turn;
    synchronized (this) {
      closed = true;
      turn = running;
    }
    if (turn != null) {
      turn.cancel();
    }
    serving.release(hold);
  }
}
