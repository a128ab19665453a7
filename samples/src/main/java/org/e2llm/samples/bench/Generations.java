package org.e2llm.samples.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.e2llm.E2llm;
import org.e2llm.Generation;
import org.e2llm.GenerationRequest;

/** Measures generations as an app sees them, one or several at a time. */
public final class Generations {
  /** Prompt tokens where only generating is measured. */
  public static final int PROMPT = 4;

  private final E2llm llm;
  private final int sessions;

  /**
   * Measures nothing yet.
   *
   * @param sessions generations at a time
   */
  public Generations(E2llm llm, int sessions) {
    this.llm = llm;
    this.sessions = sessions;
  }

  /** Runs the test once; tokens per second of all sessions together. */
  public double run(Test test) {
    return test.kind() == Test.Kind.PP ? prompts(test.tokens()) : decode(test.tokens());
  }

  /** Until the last of the sessions has its first token. */
  private double prompts(int tokens) {
    List<long[]> times = generate(tokens, 1);
    long last = times.stream().mapToLong(each -> each[1]).max().orElse(0);
    long start = times.stream().mapToLong(each -> each[0]).min().orElse(0);
    return (double) tokens * sessions * 1e9 / (last - start);
  }

  /** From when all have their first token to when the first has its last. */
  private double decode(int tokens) {
    List<long[]> times = generate(PROMPT, tokens + 1);
    long from = times.stream().mapToLong(each -> each[1]).max().orElse(0);
    long to = times.stream().mapToLong(each -> each[each.length - 1]).min().orElse(0);
    long counted = 0;
    for (long[] each : times) {
      counted += Arrays.stream(each).skip(1).filter(at -> at > from && at <= to).count();
    }
    return to > from ? counted * 1e9 / (to - from) : 0;
  }

  /** For each session the time of its start, then that of each token. */
  private List<long[]> generate(int prompt, int tokens) {
    List<long[]> times = new ArrayList<>();
    List<Generation> running = new ArrayList<>();
    for (int i = 0; i < sessions; i++) {
      long[] at = new long[1 + tokens];
      int[] next = {1};
      times.add(at);
      GenerationRequest request = request(prompt, tokens, i);
      at[0] = System.nanoTime();
      running.add(
          llm.generate(request)
              .onToken(
                  token -> {
                    if (next[0] < at.length) {
                      at[next[0]++] = System.nanoTime();
                    }
                  }));
    }
    running.forEach(Generation::await);
    times.replaceAll(each -> Arrays.stream(each).filter(at -> at != 0).toArray());
    return times;
  }

  /** Random tokens, the best next one each time, and never the end. */
  private GenerationRequest request(int prompt, int tokens, int seed) {
    int vocabulary = llm.modelSpec().vocabularySize();
    int[] ids = new SplittableRandom(seed).ints(prompt, 0, vocabulary).toArray();
    GenerationRequest.Builder request =
        GenerationRequest.builder().promptTokens(ids).maxTokens(tokens).temperature(0);
    llm.tokenizer().endOfGeneration().forEach(id -> request.logitBias(id, Float.NEGATIVE_INFINITY));
    return request.build();
  }
}
