package org.e2llm.kernels.gguf;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.e2llm.ModelFormatException;
import org.jspecify.annotations.Nullable;

/**
 * The key-value pairs of a GGUF file, in file order. Immutable.
 *
 * <p>Typed getters accept every width of a number that is in range, and throw {@link
 * ModelFormatException} with the key, what was found and what was expected. Those with a fallback
 * return it where the key is absent, and throw like the others where it is there with a wrong type.
 */
public final class GgufMetadata {
  private final Map<String, MetadataValue> values;

  private GgufMetadata(Map<String, MetadataValue> values) {
    this.values = values;
  }

  /** From plain Java values; {@link MetadataValue#of} tells which type each becomes. */
  public static GgufMetadata of(Map<String, ?> values) {
    Map<String, MetadataValue> copy = new LinkedHashMap<>();
    for (Map.Entry<String, ?> entry : values.entrySet()) {
      copy.put(entry.getKey(), MetadataValue.of(entry.getValue()));
    }
    return new GgufMetadata(copy);
  }

  public boolean has(String key) {
    return values.containsKey(key);
  }

  /** All keys, in file order. */
  public Set<String> keys() {
    return Collections.unmodifiableSet(values.keySet());
  }

  /**
   * The value, or null: {@code Long} ({@code BigInteger} for a u64 of 2^63 and more), {@code
   * Float}, {@code Double}, {@code Boolean}, {@code String}, or a {@link MetadataArray} of these or
   * of arrays.
   */
  public @Nullable Object value(String key) {
    MetadataValue value = values.get(key);
    if (value == null) {
      return null;
    }
    return value.value() instanceof Long bits
        ? MetadataValue.box(value.type(), bits)
        : value.value();
  }

  /** The value with its type in the file, or null. */
  public @Nullable MetadataValue typed(String key) {
    return values.get(key);
  }

  public String string(String key) {
    if (require(key, "string").value() instanceof String string) {
      return string;
    }
    throw wrongType(key, "string");
  }

  public String string(String key, String fallback) {
    return has(key) ? string(key) : fallback;
  }

  /** A whole number from -2^31 to 2^31 - 1. */
  public int integer(String key) {
    long value = longInteger(key);
    if (value != (int) value) {
      throw new ModelFormatException(
          "metadata " + key + " is " + value + ", beyond the limit of " + Integer.MAX_VALUE);
    }
    return (int) value;
  }

  public int integer(String key, int fallback) {
    return has(key) ? integer(key) : fallback;
  }

  /** A whole number from -2^63 to 2^63 - 1. */
  public long longInteger(String key) {
    MetadataValue value = require(key, "integer");
    if (!(value.value() instanceof Long bits)) {
      throw wrongType(key, "integer");
    }
    if (value.type() == MetadataType.UINT64 && bits < 0) {
      throw new ModelFormatException(
          "metadata " + key + " is " + value(key) + ", beyond the limit of " + Long.MAX_VALUE);
    }
    return bits;
  }

  public long longInteger(String key, long fallback) {
    return has(key) ? longInteger(key) : fallback;
  }

  /** A finite number, rounded to F32. */
  public float number(String key) {
    require(key, "number");
    if (!(value(key) instanceof Number number)) {
      throw wrongType(key, "number");
    }
    float value = number.floatValue();
    if (Float.isNaN(value) || Float.isInfinite(value)) {
      throw new ModelFormatException(
          "metadata " + key + " is " + number + ", expected a finite 32-bit number");
    }
    return value;
  }

  public float number(String key, float fallback) {
    return has(key) ? number(key) : fallback;
  }

  public boolean bool(String key) {
    if (require(key, "bool").value() instanceof Boolean bool) {
      return bool;
    }
    throw wrongType(key, "bool");
  }

  public boolean bool(String key, boolean fallback) {
    return has(key) ? bool(key) : fallback;
  }

  /** An array of strings, decoded on access; {@link StringArray#bytes} has them as they are. */
  public StringArray strings(String key) {
    MetadataArray array = array(key, "array of strings");
    if (array.elementType() != MetadataType.STRING) {
      throw wrongType(key, "array of strings");
    }
    return array.strings();
  }

  /** An array of whole numbers (bools count as 0 and 1), each in the range of an int. */
  public int[] integers(String key) {
    MetadataArray array = array(key, "array of integers");
    if (!array.elementType().isInteger() && array.elementType() != MetadataType.BOOL) {
      throw wrongType(key, "array of integers");
    }
    if (array.store() instanceof int[] ints && array.elementType() == MetadataType.INT32) {
      return ints.clone();
    }
    int[] result = new int[array.size()];
    for (int i = 0; i < result.length; i++) {
      long value = array.integer(i);
      if (value != (int) value) {
        throw new ModelFormatException(
            "metadata " + key + "[" + i + "] is " + array.get(i) + ", beyond the range of an int");
      }
      result[i] = (int) value;
    }
    return result;
  }

  /** One number per layer: an array of at least {@code layers} integers, or one integer for all. */
  public int[] integersPerLayer(String key, int layers) {
    int[] result;
    if (require(key, "integer or array of integers").type() == MetadataType.ARRAY) {
      result = integers(key);
      if (result.length < layers) {
        throw new ModelFormatException(
            "metadata " + key + " has " + result.length + " elements for " + layers + " layers");
      }
      return Arrays.copyOf(result, layers);
    }
    result = new int[layers];
    Arrays.fill(result, integer(key));
    return result;
  }

  /** An array of numbers, rounded to F32; they may be infinite or NaN. */
  public float[] numbers(String key) {
    MetadataArray array = array(key, "array of numbers");
    switch (array.elementType()) {
      case BOOL, STRING, ARRAY -> throw wrongType(key, "array of numbers");
      default -> {}
    }
    if (array.store() instanceof float[] floats) {
      return floats.clone();
    }
    float[] result = new float[array.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = (float) array.number(i);
    }
    return result;
  }

  private MetadataArray array(String key, String expected) {
    if (require(key, expected).value() instanceof MetadataArray array) {
      return array;
    }
    throw wrongType(key, expected);
  }

  private MetadataValue require(String key, String expected) {
    MetadataValue value = values.get(key);
    if (value == null) {
      throw new ModelFormatException("metadata " + key + " is missing, expected " + expected);
    }
    return value;
  }

  private ModelFormatException wrongType(String key, String expected) {
    return new ModelFormatException(
        "metadata " + key + " is " + require(key, expected).describe() + ", expected " + expected);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof GgufMetadata metadata && values.equals(metadata.values);
  }

  @Override
  public int hashCode() {
    return values.hashCode();
  }

  @Override
  public String toString() {
    return values.keySet().toString();
  }
}
