package org.e2llm.planner.workload;

import java.util.SplittableRandom;
import org.e2llm.plan.Workload;

/**
 * Draws the lengths of requests.
 *
 * <p>The synthetic ones: {@code long-in} is lognormal with median 2048 tokens in and 64 out, {@code
 * long-out} with 128 and 512, both with σ 0.5; {@code uniform} is 8 to 2048 in, 2 to 512 out. All
 * are clipped to 8–8192 in and 2–2048 out. Recorded lengths are drawn with replacement, prompt and
 * output of one row together.
 */
public interface Lengths {
  /** The shortest and longest prompt and output of the synthetic lengths. */
  int MIN_PROMPT = 8;

  int MAX_PROMPT = 8192;
  int MIN_OUTPUT = 2;
  int MAX_OUTPUT = 2048;

  /** Many prompt tokens, short answers. */
  Lengths LONG_IN = new Lognormal("long-in", 2048, 64, 0.5);

  /** Short prompts, long answers. */
  Lengths LONG_OUT = new Lognormal("long-out", 128, 512, 0.5);

  /** Everything equally likely. */
  Lengths UNIFORM = new Uniform("uniform", MIN_PROMPT, 2048, MIN_OUTPUT, 512);

  String name();

  /**
   * The output limit that an app with this kind of requests states, the same for all: 1024, unless
   * many answers are longer.
   */
  int maxTokens();

  /**
   * Draws one request.
   *
   * @return prompt tokens in the upper 32 bits, output tokens in the lower
   */
  long draw(SplittableRandom random);

  /** Puts two lengths in one value, as {@link #draw} gives them. */
  static long pack(int prompt, int output) {
    return (long) prompt << 32 | output;
  }

  /** Those of a trace. */
  static Lengths of(Trace trace) {
    return new Recorded(trace);
  }

  /** Those of a sample, as a planner is told of them, drawn with replacement. */
  static Lengths of(Workload sample) {
    return new Sampled(sample);
  }

  /** Every request alike. */
  static Lengths constant(int prompt, int output) {
    return new Uniform(prompt + " in, " + output + " out", prompt, prompt, output, output);
  }

  /** See {@link Lengths}. */
  record Lognormal(String name, double medianPrompt, double medianOutput, double sigma)
      implements Lengths {
    @Override
    public int maxTokens() {
      return medianOutput < 512 ? Requests.DEFAULT_MAX_TOKENS : MAX_OUTPUT;
    }

    @Override
    public long draw(SplittableRandom random) {
      // Box and Muller: one pair of independent normal values from two uniform ones.
      double radius = Math.sqrt(-2 * StrictMath.log(1 - random.nextDouble()));
      double angle = 2 * Math.PI * random.nextDouble();
      double prompt = medianPrompt * StrictMath.exp(sigma * radius * StrictMath.cos(angle));
      double output = medianOutput * StrictMath.exp(sigma * radius * StrictMath.sin(angle));
      return pack(
          (int) Math.round(Math.min(MAX_PROMPT, Math.max(MIN_PROMPT, prompt))),
          (int) Math.round(Math.min(MAX_OUTPUT, Math.max(MIN_OUTPUT, output))));
    }
  }

  /** See {@link Lengths}; both ends included. */
  record Uniform(String name, int minPrompt, int maxPrompt, int minOutput, int maxOutput)
      implements Lengths {
    @Override
    public int maxTokens() {
      return Math.max(Requests.DEFAULT_MAX_TOKENS, maxOutput);
    }

    @Override
    public long draw(SplittableRandom random) {
      int prompt = random.nextInt(minPrompt, maxPrompt + 1);
      return pack(prompt, random.nextInt(minOutput, maxOutput + 1));
    }
  }

  /** See {@link Lengths}. */
  record Recorded(Trace trace) implements Lengths {
    @Override
    public String name() {
      return trace.name();
    }

    @Override
    public int maxTokens() {
      return Requests.DEFAULT_MAX_TOKENS;
    }

    @Override
    public long draw(SplittableRandom random) {
      int row = random.nextInt(trace.size());
      return pack(trace.prompt(row), trace.output(row));
    }
  }

  /** See {@link Lengths#of(Workload)}. */
  record Sampled(Workload sample) implements Lengths {
    @Override
    public String name() {
      return "sample";
    }

    @Override
    public int maxTokens() {
      return sample.maxTokens();
    }

    @Override
    public long draw(SplittableRandom random) {
      Workload.Lengths one = sample.lengths().get(random.nextInt(sample.lengths().size()));
      return pack(one.prompt(), one.output());
    }
  }
}
