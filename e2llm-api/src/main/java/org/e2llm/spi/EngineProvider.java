package org.e2llm.spi;

import java.util.function.Consumer;
import org.e2llm.ModelInspection;
import org.e2llm.Progress;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelSource;
import org.e2llm.text.Tokenizer;

/** Opens models. Implemented by {@code e2llm-kernels}. */
public interface EngineProvider {
  /** Reads the header only. */
  ModelInspection inspect(ModelSource source);

  /** Reads the tokenizer only; works on files without tensors. */
  Tokenizer tokenizer(ModelSource source);

  /**
   * Where the tensors lie and which stages need them. Reads the header only, so the tensors
   * themselves may be missing from a file of the right size.
   *
   * @throws org.e2llm.E2llmException if the file is damaged or its model cannot be computed here
   */
  ModelLayout layout(ModelSource source);

  /** Opens a model; reads the header, maps no weights yet. */
  Engine open(ModelSource source, EngineOptions options, Consumer<Progress> progress);
}
