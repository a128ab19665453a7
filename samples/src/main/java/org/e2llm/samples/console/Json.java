package org.e2llm.samples.console;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** JSON for scripts: objects in the order of their maps, lists, strings, numbers and nulls. */
public final class Json {
  /** A value that is JSON already. */
  public record Raw(String json) {}

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
    writeValue(json, fields);
  }

  private static void writeValue(JsonGenerator json, @Nullable Object value) throws IOException {
    if (value instanceof Double number && Double.isFinite(number)) {
      json.writeNumber(number);
    } else if (value instanceof Integer || value instanceof Long) {
      json.writeNumber(((Number) value).longValue());
    } else if (value instanceof Boolean flag) {
      json.writeBoolean(flag);
    } else if (value instanceof Raw raw) {
      json.writeRawValue(raw.json());
    } else if (value instanceof List<?> list) {
      json.writeStartArray();
      for (Object element : list) {
        writeValue(json, element);
      }
      json.writeEndArray();
    } else if (value instanceof Map<?, ?> map) {
      json.writeStartObject();
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        json.writeFieldName(entry.getKey().toString());
        writeValue(json, entry.getValue());
      }
      json.writeEndObject();
    } else if (value == null || value instanceof Double) {
      json.writeNull(); // JSON has no NaN: what was not measured has no value
    } else {
      json.writeString(value.toString());
    }
  }
}
