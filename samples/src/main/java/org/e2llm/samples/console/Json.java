package org.e2llm.samples.console;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Flat JSON for scripts: objects of strings, numbers and nulls, in the order of the map. */
public final class Json {
  private static final JsonFactory FACTORY = new JsonFactory();

  private Json() {}

  /** One object on one line. */
  public static String object(Map<String, ? extends @Nullable Object> fields) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = FACTORY.createGenerator(text)) {
      writeObject(json, fields);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  /** An array with an object per line. */
  public static String array(List<? extends Map<String, ? extends @Nullable Object>> objects) {
    StringBuilder text = new StringBuilder("[");
    String separator = "\n";
    for (Map<String, ? extends @Nullable Object> fields : objects) {
      text.append(separator).append("  ").append(object(fields));
      separator = ",\n";
    }
    return text.append("\n]").toString();
  }

  private static void writeObject(
      JsonGenerator json, Map<String, ? extends @Nullable Object> fields) throws IOException {
    json.writeStartObject();
    for (Map.Entry<String, ? extends @Nullable Object> field : fields.entrySet()) {
      json.writeFieldName(field.getKey());
      Object value = field.getValue();
      if (value instanceof Double number && Double.isFinite(number)) {
        json.writeNumber(number);
      } else if (value instanceof Integer || value instanceof Long) {
        json.writeNumber(((Number) value).longValue());
      } else if (value == null || value instanceof Double) {
        json.writeNull(); // JSON has no NaN: what was not measured has no value
      } else {
        json.writeString(value.toString());
      }
    }
    json.writeEndObject();
  }
}
