package org.e2llm.samples.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.NoSuchFileException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.ModelFormatException;
import org.e2llm.samples.Main;
import org.junit.jupiter.api.Test;

/** What a command line needs: quiet ends, one-line errors, sound JSON. */
class ConsoleTest {
  @Test
  void closedPipeEndsQuietly() {
    ByteArrayOutputStream err = new ByteArrayOutputStream();

    int exitCode = Main.run(failing("Broken pipe", err), "generate", "--quiet", "Once");

    assertThat(exitCode).isZero();
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void fullDiskIsAnError() {
    ByteArrayOutputStream err = new ByteArrayOutputStream();

    int exitCode = Main.run(failing("No space left on device", err), "tokenize", "Once");

    assertThat(exitCode).isEqualTo(1);
    assertThat(err.toString()).isEqualTo("error: No space left on device\n");
  }

  @Test
  void errorsAreOneLine() {
    assertThat(ErrorLine.of(new ModelFormatException("magic:\n  found 0,\r\n  expected 1\n")))
        .isEqualTo("magic: found 0, expected 1");
    assertThat(ErrorLine.of(new NoSuchFileException("a.txt"))).isEqualTo("a.txt: no such file");
    assertThat(ErrorLine.of(new IllegalStateException("a\nb"))).contains("a b", "E2LLM_TRACE=1");
    assertThat(ErrorLine.of(new OutOfMemoryError("Java heap space"))).contains("--context");
    assertThat(ErrorLine.of(new IOException())).isNotBlank();
  }

  @Test
  void jsonEscapesWhatMustBeAndHasNoNaN() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("text", "a \"b\"\n\\ž");
    fields.put("long", Long.MAX_VALUE);
    fields.put("double", 0.1);
    fields.put("nan", Double.NaN);

    String object =
        "{\"text\":\"a \\\"b\\\"\\n\\\\ž\",\"long\":9223372036854775807,\"double\":0.1,\"nan\":null}";
    assertThat(Json.object(fields)).isEqualTo(object);
    assertThat(Json.array(List.of(fields))).isEqualTo("[\n  " + object + "\n]");
  }

  @Test
  void sizesReadAsInOtherTools() {
    assertThat(Sizes.of(512)).isEqualTo("512 B");
    assertThat(Sizes.of(1_040_128)).isEqualTo("0.99 MiB");
    assertThat(Sizes.count(1_100_048_384L)).isEqualTo("1.10 B");
    assertThat(Sizes.grouped(1_234_567)).isEqualTo("1,234,567");
  }

  private static Console failing(String message, OutputStream err) {
    OutputStream out =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException(message);
          }
        };
    return new Console(InputStream.nullInputStream(), out, err);
  }
}
