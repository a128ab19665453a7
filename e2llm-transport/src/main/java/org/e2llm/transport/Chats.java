package org.e2llm.transport;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.Workload;
import org.jspecify.annotations.Nullable;

/**
 * What plans of a cluster are made for: short chats as long as nobody says otherwise, and nothing
 * longer than a session may become there, so that a small context needs little memory.
 *
 * @param prompt tokens of a prompt
 * @param answer tokens of an answer
 * @param mostAnswer tokens for which memory is kept behind the prompt
 * @param context tokens that a session may have
 */
record Chats(int prompt, int answer, int mostAnswer, int context) {
  /** Of a prompt, and of an answer. */
  private static final int TOKENS = 256;

  /** Where the app asks for throughput. */
  private static final int SEVERAL = 8;

  /**
   * Then of all kinds, chats, documents and stories, in as much memory as a chat is given: a plan
   * whose roles fit one kind only may be ten times slower for another.
   */
  private static final List<Workload.Lengths> KINDS =
      List.of(
          new Workload.Lengths(256, 256),
          new Workload.Lengths(768, 64),
          new Workload.Lengths(128, 512));

  private static final int MOST_OF_SEVERAL = 512;

  /** In sessions of at most so many tokens. */
  static Chats within(int contextLength) {
    int prompt = Math.max(1, Math.min(TOKENS, contextLength / 2));
    int rest = Math.max(1, Math.min(Workload.DEFAULT_MAX_TOKENS, contextLength - prompt));
    return new Chats(prompt, Math.min(TOKENS, rest), rest, contextLength);
  }

  /**
   * What is to be expected.
   *
   * @param stated what apps say, or null
   * @param many whether at once
   */
  Workload expected(@Nullable Workload stated, boolean many) {
    if (stated == null) {
      return many ? several() : one();
    }
    int most = Math.max(1, Math.min(stated.maxTokens(), context / 2));
    List<Workload.Lengths> lengths = new ArrayList<>();
    for (Workload.Lengths each : stated.lengths()) {
      int in = Math.min(each.prompt(), Math.max(1, context - most));
      lengths.add(new Workload.Lengths(in, Math.min(each.output(), Math.max(1, context - in))));
    }
    if (!many) {
      return new Workload(lengths, 0, 1, most);
    }
    boolean known = stated.requestsPerSecond() > 0;
    int atOnce = known ? stated.concurrency() : Math.max(2, stated.concurrency());
    return new Workload(lengths, stated.requestsPerSecond(), atOnce, most);
  }

  Workload one() {
    return new Workload(List.of(new Workload.Lengths(prompt, answer)), 0, 1, mostAnswer);
  }

  Workload several() {
    return expected(new Workload(KINDS, 0, SEVERAL, MOST_OF_SEVERAL), true);
  }
}
