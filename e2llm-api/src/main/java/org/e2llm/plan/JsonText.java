package org.e2llm.plan;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import java.io.IOException;
import java.io.StringWriter;
import org.e2llm.E2llmException;

/** Writes one JSON object as indented text, with the same line ends everywhere. */
final class JsonText {
  private static final JsonFactory JSON = new JsonFactory();

  interface Content {
    void writeTo(JsonGenerator json) throws IOException;
  }

  private JsonText() {}

  static String write(Content content) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.setPrettyPrinter(
          new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n")));
      json.writeStartObject();
      content.writeTo(json);
      json.writeEndObject();
    } catch (IOException e) {
      throw new E2llmException("a text in memory cannot be written", e);
    }
    return text.toString();
  }
}
