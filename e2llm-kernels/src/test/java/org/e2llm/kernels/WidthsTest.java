package org.e2llm.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.E2llm;
import org.e2llm.GenerationRequest;
import org.e2llm.Token;
import org.e2llm.kernels.math.ChildJvm;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.Test;

/** One text, whatever the vector width. */
class WidthsTest {
  private static final String PROMPT = "The capital of France is";

  @Test
  void aTrainedModelSaysTheSameAtEveryWidthAndInScalar() throws Exception {
    String model = Shared.require("models/SmolLM2-135M-Instruct-Q4_1.gguf").toString();
    String scalar = run("scalar", model, 24);
    assertThat(scalar).contains("Paris");
    assertThat(run("vector128", model, 24)).isEqualTo(scalar);
    assertThat(run("vector256", model, 24)).isEqualTo(scalar);
    // A width the machine lacks is emulated, slowly: a few tokens.
    assertThat(run("vector512", model, 3)).isEqualTo(run("scalar", model, 3));
  }

  private static String run(String tier, String model, int tokens) throws Exception {
    List<String> flags = new ArrayList<>(ChildJvm.VECTORS);
    flags.add("-De2llm.kernels=" + tier);
    String printed = ChildJvm.run(flags, GreedyText.class, model, Integer.toString(tokens));
    assertThat(printed).contains("text:").endsWith("exit 0");
    return printed.substring(printed.indexOf("text:"));
  }

  /** The program: prints the greedy text with the kernels of its JVM. */
  static final class GreedyText {
    private GreedyText() {}

    public static void main(String[] args) {
      GenerationRequest request =
          GenerationRequest.builder()
              .prompt(PROMPT)
              .maxTokens(Integer.parseInt(args[1]))
              .temperature(0)
              .logprobs(1)
              .build();
      try (E2llm llm = E2llm.builder().model(Path.of(args[0])).open()) {
        StringBuilder text = new StringBuilder("text:");
        for (Token token : llm.generate(request)) {
          text.append(token.text()).append(Float.toHexString(token.logprob()));
        }
        System.out.println(text);
      }
    }
  }
}
