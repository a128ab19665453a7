package org.e2llm.samples.bench;

import java.util.Locale;
import java.util.SplittableRandom;
import org.e2llm.Scorer;
import org.e2llm.samples.console.UsageException;

/**
 * What one line of the table measures.
 *
 * @param kind whether tokens go in together or one by one
 * @param tokens how many
 */
public record Test(Kind kind, int tokens) {
  /** As {@code llama-bench} names them. */
  public enum Kind {
    /** Prompt processing: all tokens in as few forward passes as possible. */
    PP,
    /** Text generation: a forward pass per token. */
    TG
  }

  public Test {
    if (tokens < 0) {
      throw new UsageException(
          "--" + kind.name().toLowerCase(Locale.ROOT) + " " + tokens + " is negative");
    }
  }

  /** Such as {@code pp128}. */
  public String name() {
    return kind.name().toLowerCase(Locale.ROOT) + tokens;
  }

  /** The same pseudo-random ids each time: the speed does not depend on them. */
  int[] input(int vocabularySize) {
    return new SplittableRandom(1).ints(tokens, 0, vocabularySize).toArray();
  }

  /** Feeds {@code input} to an empty session; gives the nanoseconds it took. */
  long run(Scorer scorer, int[] input) {
    scorer.reset();
    long start = System.nanoTime();
    if (kind == Kind.PP) {
      scorer.feed(input);
    } else {
      for (int token : input) {
        scorer.feed(new int[] {token}); // each is a last one, so each gives logits
      }
    }
    return System.nanoTime() - start;
  }
}
