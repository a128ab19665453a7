package org.e2llm.kernels.gguf;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Supplier;
import org.e2llm.E2llmException;
import org.e2llm.model.ModelSource;

/**
 * Any bytes are a file or a typed error: no other exception, no hang, no memory beyond their size.
 */
class GgufFuzzTest {
  @FuzzTest
  void anyBytesAreReadOrRefused(byte[] data) throws IOException {
    Path path = Files.createTempFile("fuzz", ".gguf");
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(data));
      try (GgufFile file = GgufFile.open(ModelSource.of(channel, 0, data.length))) {
        readMetadata(file.metadata());
        readTensors(file);
      } catch (E2llmException expected) {
        if (expected.getMessage() == null) {
          throw new AssertionError("an error without a message", expected);
        }
      }
    } finally {
      Files.delete(path);
    }
  }

  private static void readMetadata(GgufMetadata metadata) {
    for (String key : metadata.keys()) {
      ask(() -> metadata.string(key));
      ask(() -> metadata.integer(key));
      ask(() -> metadata.longInteger(key));
      ask(() -> metadata.number(key));
      ask(() -> metadata.bool(key));
      ask(() -> metadata.strings(key).toString());
      ask(() -> metadata.integers(key));
      ask(() -> metadata.integersPerLayer(key, 4));
      ask(() -> metadata.numbers(key));
      ask(() -> requireNonNull(metadata.value(key)).toString());
    }
  }

  private static void readTensors(GgufFile file) {
    try (WeightSlice slice = file.map(name -> true)) {
      for (String name : file.tensors().keySet()) {
        ask(() -> slice.floats(name));
        ask(() -> slice.tensor(name).buffer(0).get(slice.tensor(name).offset(0)));
      }
    }
  }

  private static void ask(Supplier<?> question) {
    try {
      assertThat(question.get()).isNotNull();
    } catch (E2llmException expected) {
      // The question did not fit what is there.
    }
  }
}
