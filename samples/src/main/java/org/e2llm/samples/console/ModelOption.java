package org.e2llm.samples.console;

import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option that chooses a model file; without it the one that ships with the samples. */
public final class ModelOption {
  private static final String DEFAULT_MODEL = "stories260K-F32.gguf";

  @Option(
      names = {"-m", "--model"},
      paramLabel = "FILE",
      description =
          "GGUF model (of a split set its first file); default: in a cluster, where it can be joined,"
              + " the cluster's model, otherwise stories260K, a small teller of stories that ships"
              + " with the samples.")
  private @Nullable Path file;

  /** Whether a model was named. */
  public boolean isGiven() {
    return file != null;
  }

  /** The model's file, which exists and can be read. */
  public Path file() {
    return checked(file != null ? file : defaultModel());
  }

  /** {@code path}, if it is a file that can be read. */
  public static Path checked(Path path) {
    if (Files.isDirectory(path)) {
      throw new UsageException(path + " is a folder; a file is needed");
    } else if (!Files.exists(path)) {
      throw new UsageException(path + ": no such file");
    } else if (!Files.isReadable(path)) {
      throw new UsageException(path + ": permission denied");
    }
    return path;
  }

  /** Looks for {@code models/} above the jar or class folder: both lie under {@code samples/}. */
  private static Path defaultModel() {
    CodeSource source = ModelOptions.class.getProtectionDomain().getCodeSource();
    if (source != null) {
      try {
        Path folder = Path.of(source.getLocation().toURI()).getParent();
        for (; folder != null; folder = folder.getParent()) {
          Path model = folder.resolve("models").resolve(DEFAULT_MODEL);
          if (Files.exists(model)) {
            return model;
          }
        }
      } catch (URISyntaxException | RuntimeException e) {
        // Not loaded from a file: there is no folder to look in.
      }
    }
    throw new UsageException(
        "the model that ships with the samples was not found: use --model FILE");
  }
}
