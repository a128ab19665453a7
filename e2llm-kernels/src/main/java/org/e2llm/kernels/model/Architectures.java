package org.e2llm.kernels.model;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.UnsupportedModelException;

/** The architectures that can be computed. */
public final class Architectures {
  private static final List<Architecture> ALL =
      List.of(new Llama(), new Qwen2(), new Qwen3(), new Gemma3(), new Phi3());

  private Architectures() {}

  /** Their names as in {@code general.architecture}. */
  public static List<String> names() {
    List<String> names = new ArrayList<>();
    for (Architecture architecture : ALL) {
      names.add(architecture.name());
    }
    return names;
  }

  static Architecture named(String name) {
    for (Architecture architecture : ALL) {
      if (architecture.name().equals(name)) {
        return architecture;
      }
    }
    throw new UnsupportedModelException(
        "general.architecture is \"" + name + "\"; supported are " + String.join(", ", names()));
  }
}
