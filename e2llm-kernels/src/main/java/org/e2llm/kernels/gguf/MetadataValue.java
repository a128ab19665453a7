package org.e2llm.kernels.gguf;

import java.math.BigInteger;
import java.util.List;

/**
 * One metadata value with the type it has in the file.
 *
 * @param type the type
 * @param value {@code Long} for all integers (of u64, the bits), {@code Float}, {@code Double},
 *     {@code Boolean}, {@code String} or {@link MetadataArray}
 */
public record MetadataValue(MetadataType type, Object value) {
  private static final BigInteger TWO_TO_64 = BigInteger.ONE.shiftLeft(64);

  /** Checks that the Java type fits and an integer is in range. */
  public MetadataValue {
    Class<?> expected =
        switch (type) {
          case FLOAT32 -> Float.class;
          case FLOAT64 -> Double.class;
          case BOOL -> Boolean.class;
          case STRING -> String.class;
          case ARRAY -> MetadataArray.class;
          default -> Long.class;
        };
    if (!expected.isInstance(value)) {
      throw new IllegalArgumentException(type + " needs " + expected + ", not " + value.getClass());
    }
    if (value instanceof Long number && type.bytes() < 8) {
      int bits = 8 * type.bytes();
      boolean signed =
          type == MetadataType.INT8 || type == MetadataType.INT16 || type == MetadataType.INT32;
      long low = signed ? -(1L << (bits - 1)) : 0;
      long high = signed ? (1L << (bits - 1)) - 1 : (1L << bits) - 1;
      if (number < low || number > high) {
        throw new IllegalArgumentException(number + " is no " + type.label());
      }
    }
  }

  /**
   * The value in the type that writers commonly choose: a non-negative {@code Integer} is u32 and a
   * negative one i32, likewise {@code Long}; lists and {@code String[]} are arrays of the type of
   * their first element, {@code int[]} is an array of i32.
   */
  public static MetadataValue of(Object value) {
    if (value instanceof MetadataValue typed) {
      return typed;
    } else if (value instanceof Integer number) {
      return new MetadataValue(
          number < 0 ? MetadataType.INT32 : MetadataType.UINT32, number.longValue());
    } else if (value instanceof Long number) {
      return new MetadataValue(number < 0 ? MetadataType.INT64 : MetadataType.UINT64, number);
    } else if (value instanceof Float) {
      return new MetadataValue(MetadataType.FLOAT32, value);
    } else if (value instanceof Double) {
      return new MetadataValue(MetadataType.FLOAT64, value);
    } else if (value instanceof Boolean) {
      return new MetadataValue(MetadataType.BOOL, value);
    } else if (value instanceof String) {
      return new MetadataValue(MetadataType.STRING, value);
    }
    return new MetadataValue(MetadataType.ARRAY, arrayOf(value));
  }

  /** An array of {@code elementType}; {@code store} as {@link MetadataArray} describes it. */
  public static MetadataValue array(MetadataType elementType, Object store) {
    return new MetadataValue(MetadataType.ARRAY, new MetadataArray(elementType, store));
  }

  private static MetadataArray arrayOf(Object value) {
    if (value instanceof MetadataArray array) {
      return array;
    } else if (value instanceof int[]) {
      return new MetadataArray(MetadataType.INT32, value);
    } else if (value instanceof long[]) {
      return new MetadataArray(MetadataType.INT64, value);
    } else if (value instanceof float[]) {
      return new MetadataArray(MetadataType.FLOAT32, value);
    } else if (value instanceof double[]) {
      return new MetadataArray(MetadataType.FLOAT64, value);
    } else if (value instanceof boolean[] flags) {
      byte[] bytes = new byte[flags.length];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) (flags[i] ? 1 : 0);
      }
      return new MetadataArray(MetadataType.BOOL, bytes);
    } else if (value instanceof String[] strings) {
      return new MetadataArray(MetadataType.STRING, StringArray.of(List.of(strings)));
    } else if (value instanceof List<?> list) {
      return arrayOfList(list);
    }
    throw new IllegalArgumentException("no metadata value: " + value.getClass());
  }

  private static MetadataArray arrayOfList(List<?> list) {
    if (list instanceof StringArray strings) {
      return new MetadataArray(MetadataType.STRING, strings);
    }
    Object first = list.isEmpty() ? "" : list.get(0);
    if (first instanceof String) {
      String[] strings = list.toArray(new String[0]);
      return new MetadataArray(MetadataType.STRING, StringArray.of(List.of(strings)));
    } else if (first instanceof Integer) {
      int[] store = new int[list.size()];
      for (int i = 0; i < store.length; i++) {
        store[i] = (Integer) list.get(i);
      }
      return new MetadataArray(MetadataType.INT32, store);
    } else if (first instanceof Float) {
      float[] store = new float[list.size()];
      for (int i = 0; i < store.length; i++) {
        store[i] = (Float) list.get(i);
      }
      return new MetadataArray(MetadataType.FLOAT32, store);
    }
    MetadataArray[] store = new MetadataArray[list.size()];
    for (int i = 0; i < store.length; i++) {
      store[i] = arrayOf(list.get(i));
    }
    return new MetadataArray(MetadataType.ARRAY, store);
  }

  /** The type for messages: {@code u32} or {@code array of 32000 string}. */
  String describe() {
    if (value instanceof MetadataArray array) {
      return "array of " + array.size() + " " + array.elementType().label();
    }
    return type.label();
  }

  /** A {@code Long}, or a {@code BigInteger} for a u64 beyond its range. */
  static Object box(MetadataType type, long bits) {
    if (type == MetadataType.UINT64 && bits < 0) {
      return BigInteger.valueOf(bits).add(TWO_TO_64);
    }
    return bits;
  }
}
