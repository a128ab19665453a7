package org.e2llm.samples.plan;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.e2llm.E2llm;
import org.e2llm.PlanFormatException;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.FleetCodec;
import org.e2llm.planner.catalog.KnownFleets;
import org.e2llm.planner.catalog.KnownModels;
import org.e2llm.samples.console.ModelOption;

/** Fleets and models as a command line names them: known ones by name, others by file. */
final class Sources {
  private Sources() {}

  /**
   * A known fleet, or one from a JSON file ({@link FleetCodec}).
   *
   * @throws org.e2llm.InvalidRequestException if it is neither known nor a file name
   * @throws PlanFormatException if the file holds no fleet
   */
  static Fleet fleet(String nameOrFile) {
    if (!isFile(nameOrFile, ".json")) {
      return KnownFleets.get(nameOrFile);
    }
    Path file = ModelOption.checked(Path.of(nameOrFile));
    try {
      return FleetCodec.parse(Files.readString(file, StandardCharsets.UTF_8));
    } catch (PlanFormatException e) {
      throw new PlanFormatException(file + ": " + e.getMessage(), e);
    } catch (CharacterCodingException e) {
      throw new PlanFormatException(file + " is not a text in UTF-8", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A known model, or what the header of a GGUF file says; no weights are read.
   *
   * @throws org.e2llm.InvalidRequestException if it is neither known nor a file name
   * @throws org.e2llm.ModelFormatException if the file is no GGUF file
   */
  static ModelSpec model(String nameOrFile) {
    if (!isFile(nameOrFile, ".gguf")) {
      return KnownModels.get(nameOrFile);
    }
    return E2llm.inspect(ModelOption.checked(Path.of(nameOrFile))).spec();
  }

  /** Whether a word is meant as a file: by its ending, a folder in it, or because it is there. */
  static boolean isFile(String word, String ending) {
    return word.endsWith(ending) || word.contains("/") || Files.isRegularFile(Path.of(word));
  }
}
