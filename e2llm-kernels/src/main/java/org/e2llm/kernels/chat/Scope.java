package org.e2llm.kernels.chat;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Names and their values while a template runs, and the limits of the run. A loop opens a scope of
 * its own; what it sets is gone after it, as in Jinja.
 */
final class Scope {
  private static final int MAX_STEPS = 2_000_000;
  private static final int STEP_CHARACTERS = 1024;
  private static final int MAX_CALLS = 50;
  private static final int MAX_OUTPUT = 64 << 20;

  /** Steps and output are counted over the whole run. */
  private static final class Run {
    long steps;
    int calls;
    final StringBuilder value = new StringBuilder();
    final StringBuilder origin = new StringBuilder();
  }

  private final @Nullable Scope parent;
  private final Map<String, Object> names = new HashMap<>();
  private final Run run;

  private Scope(@Nullable Scope parent, Run run) {
    this.parent = parent;
    this.run = run;
  }

  static Scope root() {
    return new Scope(null, new Run());
  }

  Scope child() {
    return new Scope(this, run);
  }

  Object get(String name) {
    for (Scope scope = this; scope != null; scope = scope.parent) {
      Object value = scope.names.get(name);
      if (value != null) {
        return value;
      }
    }
    return Values.UNDEFINED;
  }

  void set(String name, Object value) {
    names.put(name, value);
  }

  /** Counts one step of work. */
  void step() {
    charge(1);
  }

  private void charge(long steps) {
    run.steps += steps;
    if (run.steps > MAX_STEPS) {
      throw new TemplateException("it runs longer than " + MAX_STEPS + " steps");
    }
  }

  /** Counts the work of joining text, which grows with its length. */
  Object joined(Object value) {
    if (value instanceof Text) {
      charge(1 + ((Text) value).length() / STEP_CHARACTERS);
    }
    return value;
  }

  void print(Text text) {
    if (run.value.length() + (long) text.length() > MAX_OUTPUT) {
      throw new TemplateException("it writes more than " + MAX_OUTPUT + " characters");
    }
    run.value.append(text.value());
    run.origin.append(text.origin());
  }

  Text output() {
    return new Text(run.value.toString(), run.origin.toString());
  }

  /** Runs {@code body} with an output of its own, and returns that. */
  Text capture(Runnable body) {
    if (++run.calls > MAX_CALLS) {
      throw new TemplateException("calls are nested deeper than " + MAX_CALLS);
    }
    int start = run.value.length();
    body.run();
    run.calls--;
    Text captured = new Text(run.value.substring(start), run.origin.substring(start));
    run.value.setLength(start);
    run.origin.setLength(start);
    return captured;
  }
}
