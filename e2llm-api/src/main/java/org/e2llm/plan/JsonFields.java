package org.e2llm.plan;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.PlanFormatException;
import org.jspecify.annotations.Nullable;

/**
 * The fields of one JSON object, to be taken one by one. What is missing or of another type is an
 * error that names the field by its path; so is, at the end, what nobody took.
 */
final class JsonFields {
  private static final int MOST_DEPTH = 8;
  private static final long MOST_CHARACTERS = 16_000_000;

  /** Stands for null, which no field may be. */
  private static final Object NULL =
      new Object() {
        @Override
        public String toString() {
          return "null";
        }
      };

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MOST_DEPTH)
                  .maxDocumentLength(MOST_CHARACTERS)
                  .build())
          .build();

  private final String path;
  private final Map<String, Object> fields;

  private JsonFields(String path, Map<String, Object> fields) {
    this.path = path;
    this.fields = fields;
  }

  /**
   * Reads one document whose root is an object with a known {@code format}.
   *
   * @throws PlanFormatException if it is none
   */
  static JsonFields parse(String json, String format) {
    try (JsonParser parser = JSON.createParser(json)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new PlanFormatException("expected is a JSON object");
      }
      JsonFields root = new JsonFields("", object(parser));
      if (parser.nextToken() != null) {
        throw new PlanFormatException("something follows the JSON object");
      }
      String found = root.text("format");
      if (!found.equals(format)) {
        throw new PlanFormatException(
            "format is \"" + found + "\", expected is \"" + format + "\"");
      }
      return root;
    } catch (IOException e) {
      throw new PlanFormatException("not JSON: " + e.getMessage(), e);
    }
  }

  private static Map<String, Object> object(JsonParser parser) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      parser.nextToken();
      fields.put(name, value(parser));
    }
    return fields;
  }

  /** A map, a list, a text, a truth value, a whole number, a number, or {@link #NULL}. */
  private static Object value(JsonParser parser) throws IOException {
    switch (parser.currentToken()) {
      case START_OBJECT:
        return object(parser);
      case START_ARRAY:
        List<Object> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          items.add(value(parser));
        }
        return items;
      case VALUE_STRING:
        return parser.getText();
      case VALUE_TRUE:
        return true;
      case VALUE_FALSE:
        return false;
      case VALUE_NUMBER_INT:
        return parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
            ? parser.getDoubleValue()
            : (Object) parser.getLongValue();
      case VALUE_NUMBER_FLOAT:
        return parser.getDoubleValue();
      default:
        return NULL;
    }
  }

  private String name(String field) {
    return path.isEmpty() ? field : path + "." + field;
  }

  private <T> T take(String field, Class<T> type, String expected) {
    Object found = fields.remove(field);
    if (found == null) {
      throw new PlanFormatException(name(field) + " is missing, expected is " + expected);
    }
    if (!type.isInstance(found)) {
      throw wrong(field, found, expected);
    }
    return type.cast(found);
  }

  private PlanFormatException wrong(String field, Object found, String expected) {
    String shown =
        found instanceof Map ? "an object" : found instanceof List ? "a list" : "" + found;
    return new PlanFormatException(name(field) + " is " + shown + ", expected is " + expected);
  }

  boolean has(String field) {
    return fields.containsKey(field);
  }

  String text(String field) {
    return take(field, String.class, "a text");
  }

  @Nullable String optionalText(String field) {
    return has(field) ? text(field) : null;
  }

  boolean truth(String field) {
    return take(field, Boolean.class, "true or false");
  }

  long whole(String field) {
    return take(field, Long.class, "a whole number");
  }

  int integer(String field) {
    long value = whole(field);
    if (value != (int) value) {
      throw wrong(field, value, "a whole number of 32 bits");
    }
    return (int) value;
  }

  double number(String field) {
    double value = take(field, Number.class, "a number").doubleValue();
    if (Double.isInfinite(value)) {
      throw wrong(field, value, "a number that fits in 64 bits");
    }
    return value;
  }

  <E extends Enum<E>> E constant(String field, Class<E> type) {
    String name = text(field);
    for (E constant : type.getEnumConstants()) {
      if (constant.name().equals(name)) {
        return constant;
      }
    }
    throw wrong(field, name, "one of " + List.of(type.getEnumConstants()));
  }

  JsonFields object(String field) {
    return child(name(field), take(field, Map.class, "an object"));
  }

  /** A list of objects. */
  List<JsonFields> objects(String field) {
    List<JsonFields> objects = new ArrayList<>();
    for (Object item : take(field, List.class, "a list of objects")) {
      String path = name(field) + "[" + objects.size() + "]";
      if (!(item instanceof Map)) {
        throw new PlanFormatException(path + " is " + item + ", expected is an object");
      }
      objects.add(child(path, (Map<?, ?>) item));
    }
    return objects;
  }

  private static JsonFields child(String path, Map<?, ?> map) {
    Map<String, Object> fields = new LinkedHashMap<>();
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      fields.put((String) entry.getKey(), entry.getValue());
    }
    return new JsonFields(path, fields);
  }

  /** Two whole numbers of 32 bits. */
  int[] pair(String field) {
    List<?> items = take(field, List.class, "a list of two whole numbers");
    int[] pair = new int[2];
    for (int i = 0; i < 2; i++) {
      if (items.size() != 2
          || !(items.get(i) instanceof Long)
          || (Long) items.get(i) != (int) (long) (Long) items.get(i)) {
        throw new PlanFormatException(
            name(field) + " is " + items + ", expected are two whole numbers of 32 bits");
      }
      pair[i] = (int) (long) (Long) items.get(i);
    }
    return pair;
  }

  /** Nothing may be left. */
  void end() {
    if (!fields.isEmpty()) {
      throw new PlanFormatException(
          name(fields.keySet().iterator().next()) + " is not a field that is known here");
    }
  }
}
