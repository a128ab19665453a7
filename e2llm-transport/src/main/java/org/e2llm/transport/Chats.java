package org.e2llm.transport;

import java.util.List;
import org.e2llm.plan.Workload;

/**
 * What plans of a cluster are made for as long as nobody says otherwise: short chats, no longer
 * than a session may become there, so that a small context needs little memory.
 *
 * @param prompt tokens of a prompt
 * @param answer tokens of an answer
 * @param mostAnswer tokens for which memory is kept behind the prompt
 */
record Chats(int prompt, int answer, int mostAnswer) {
  /** Of a prompt, and of an answer. */
  private static final int TOKENS = 256;

  /** Where the app asks for throughput. */
  private static final int SEVERAL = 8;

  /** In sessions of at most so many tokens. */
  static Chats within(int contextLength) {
    int prompt = Math.max(1, Math.min(TOKENS, contextLength / 2));
    int rest = Math.max(1, Math.min(Workload.DEFAULT_MAX_TOKENS, contextLength - prompt));
    return new Chats(prompt, Math.min(TOKENS, rest), rest);
  }

  Workload one() {
    return atOnce(1);
  }

  Workload several() {
    return atOnce(SEVERAL);
  }

  private Workload atOnce(int sessions) {
    return new Workload(List.of(new Workload.Lengths(prompt, answer)), 0, sessions, mostAnswer);
  }
}
