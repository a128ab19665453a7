package org.e2llm.samples.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import org.e2llm.samples.Golden;
import org.e2llm.samples.Run;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.Test;

/** {@code inspect}. */
class InspectTest {
  @Test
  void showsWhatTheHeaderSays() {
    String model = Golden.repository().resolve("samples/models/stories260K-F32.gguf").toString();

    String text = Run.of("inspect", model).text();

    assertThat(text)
        .contains("stories260K", "llama", "260,032", "5 layers", "width 64", "GGUF v3")
        .contains("8 query heads", "4 key/value heads", "512 tokens", "chat format   none")
        .containsPattern("computable +yes")
        .containsPattern("F32 +47 ")
        .containsPattern("512 +[0-9.]+ MiB +[0-9.]+ MiB +-"); // heads of 8 do not fit q8_0
  }

  @Test
  void showsAVocabularyAndWhyItCannotBeComputed() {
    String model = Shared.require("data/vocab/ggml-vocab-qwen2.gguf").toString();

    assertThat(Run.of("inspect", model).text())
        .contains("qwen2", "151,936 tokens", "chatml", "no weights")
        .containsPattern("computable +no: ");
  }

  @Test
  void contextsEndWithTheModelsOwn() {
    assertThat(Inspect.contexts(512)).containsExactly(512);
    assertThat(Inspect.contexts(8192)).containsExactly(512, 2048, 4096, 8192);
    assertThat(Inspect.contexts(40_960)).containsExactly(512, 2048, 4096, 8192, 32_768, 40_960);
  }
}
