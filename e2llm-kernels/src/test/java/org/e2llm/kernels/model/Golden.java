package org.e2llm.kernels.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.testing.Shared;

/**
 * What the reference engine gives for a model file; {@code ../shared/golden/README.md} says how.
 */
record Golden(String name, Path model, List<Case> cases, Opticks opticks) {

  /** The {@code exact} values of one prompt. */
  record Case(
      String name,
      String prompt,
      int[] promptTokens,
      int context,
      int[] greedyTokens,
      double[] margins,
      int[] topIds,
      double[] topValues,
      double deviation) {
    @Override
    public String toString() {
      return name;
    }
  }

  /** Mean negative log-likelihood of a text; null where the file has none. */
  record Opticks(Path text, int window, int windows, double meanNll) {}

  /** A model of this repository's test resources. */
  static Golden committed(String name) {
    return read(name, resource(name + ".gguf"), resource(name + ".json"), resource("opticks.txt"));
  }

  /** A model of the shared folder; skips without it. */
  static Golden shared(String name) {
    return of(name, Shared.require("models/" + name + ".gguf"));
  }

  /** A model file whose golden values lie in the shared folder. */
  static Golden of(String name, Path model) {
    Path values = Shared.require("golden/" + name + ".json");
    return read(name, model, values, values.resolveSibling("opticks.txt"));
  }

  static Path resource(String name) {
    try {
      return Path.of(Golden.class.getResource("/golden/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(e);
    }
  }

  @Override
  public String toString() {
    return name;
  }

  private static Golden read(String name, Path model, Path values, Path text) {
    try {
      List<Case> cases = new ArrayList<>();
      Opticks opticks = null;
      for (JsonNode node : new ObjectMapper().readTree(Files.readString(values)).get("cases")) {
        JsonNode exact = node.get("exact");
        if (exact.has("top")) {
          cases.add(readCase(node, exact));
        } else {
          opticks =
              new Opticks(
                  text,
                  node.get("window").asInt(),
                  node.get("windows").asInt(),
                  exact.get("meanNll").asDouble());
        }
      }
      return new Golden(name, model, cases, opticks);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Case readCase(JsonNode node, JsonNode exact) {
    JsonNode top = exact.get("top");
    int[] ids = new int[top.size()];
    double[] values = new double[top.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = top.get(i).get(0).asInt();
      values[i] = top.get(i).get(1).asDouble();
    }
    return new Case(
        node.get("name").asText(),
        node.has("prompt") ? node.get("prompt").asText() : null,
        integers(node.get("promptTokens")),
        node.get("context").asInt(),
        integers(exact.get("greedyTokens")),
        numbers(exact.get("margins")),
        ids,
        values,
        exact.get("logitsStd").asDouble());
  }

  private static int[] integers(JsonNode array) {
    int[] result = new int[array.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = array.get(i).asInt();
    }
    return result;
  }

  private static double[] numbers(JsonNode array) {
    double[] result = new double[array.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = array.get(i).asDouble();
    }
    return result;
  }
}
