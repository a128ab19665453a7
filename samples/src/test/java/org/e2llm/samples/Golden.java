package org.e2llm.samples;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Golden values of the model that ships with the samples, and a reader for JSON. */
public final class Golden {
  private static final Path FOLDER =
      repository().resolve("e2llm-kernels/src/test/resources/golden");
  private static final Map<String, Object> STORIES =
      object(parse(read(FOLDER.resolve("stories260K-F32.json"))));

  private Golden() {}

  /** The folder that holds {@code mvnw}. */
  public static Path repository() {
    return Stream.iterate(Path.of("").toAbsolutePath(), Path::getParent)
        .takeWhile(folder -> folder != null)
        .filter(folder -> Files.exists(folder.resolve("mvnw")))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("the tests run outside the repository"));
  }

  /** The text whose perplexity is known. */
  public static Path opticks() {
    return FOLDER.resolve("opticks.txt");
  }

  /** A case of stories260K-F32 by its name. */
  public static Map<String, Object> stories(String name) {
    return ((List<?>) STORIES.get("cases"))
        .stream()
            .map(Golden::object)
            .filter(c -> c.get("name").equals(name))
            .findFirst()
            .orElseThrow();
  }

  /** What the file means, computed in floats. */
  public static Map<String, Object> exact(Map<String, Object> goldenCase) {
    return object(goldenCase.get("exact"));
  }

  /** A JSON value: a map, a list, a string, a number, a boolean or null. */
  public static Object parse(String json) {
    try (JsonParser parser = new JsonFactory().createParser(json)) {
      parser.nextToken();
      Object value = value(parser);
      if (parser.nextToken() != null) {
        throw new IllegalArgumentException("more than one JSON value: " + json);
      }
      return value;
    } catch (IOException e) {
      throw new UncheckedIOException(json, e);
    }
  }

  @SuppressWarnings("unchecked")
  public static Map<String, Object> object(Object value) {
    return (Map<String, Object>) value;
  }

  private static Object value(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> {
        Map<String, Object> map = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          parser.nextToken();
          map.put(name, value(parser));
        }
        yield map;
      }
      case START_ARRAY -> {
        List<Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(parser));
        }
        yield list;
      }
      case VALUE_STRING -> parser.getText();
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> parser.getNumberValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> null;
    };
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
