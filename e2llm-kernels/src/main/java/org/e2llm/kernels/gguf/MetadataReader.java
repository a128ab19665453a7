package org.e2llm.kernels.gguf;

import java.util.Arrays;

/** Reads one metadata value of any type, arrays of arrays included. */
final class MetadataReader {
  private static final int MAX_DEPTH = 8;
  private static final int MIN_STRING_BYTES = 8;
  private static final int MIN_ARRAY_BYTES = 4 + 8;

  private MetadataReader() {}

  /** The type number and the value after it. */
  static MetadataValue value(HeaderReader in) {
    MetadataType type = type(in);
    Object value =
        switch (type) {
          case UINT8 -> (long) in.u8();
          case INT8 -> (long) (byte) in.u8();
          case UINT16 -> in.i16() & 0xffffL;
          case INT16 -> (long) in.i16();
          case UINT32 -> in.i32() & 0xffffffffL;
          case INT32 -> (long) in.i32();
          case UINT64, INT64 -> in.i64();
          case FLOAT32 -> Float.intBitsToFloat(in.i32());
          case FLOAT64 -> Double.longBitsToDouble(in.i64());
          case BOOL -> bool(in) != 0;
          case STRING -> in.string(HeaderReader.MAX_STRING_BYTES);
          case ARRAY -> array(in, 1);
        };
    return new MetadataValue(type, value);
  }

  private static MetadataType type(HeaderReader in) {
    int id = in.i32();
    MetadataType type = MetadataType.byId(id);
    if (type == null) {
      throw in.error(
          "value type is "
              + Integer.toUnsignedString(id)
              + ", expected 0 to "
              + (MetadataType.values().length - 1));
    }
    return type;
  }

  private static byte bool(HeaderReader in) {
    int value = in.u8();
    if (value > 1) {
      throw in.error("bool is " + value + ", expected 0 or 1");
    }
    return (byte) value;
  }

  private static MetadataArray array(HeaderReader in, int depth) {
    if (depth > MAX_DEPTH) {
      throw in.error("arrays are nested beyond the limit of " + MAX_DEPTH);
    }
    MetadataType type = type(in);
    int minBytes =
        switch (type) {
          case STRING -> MIN_STRING_BYTES;
          case ARRAY -> MIN_ARRAY_BYTES;
          default -> type.bytes();
        };
    int count = (int) in.count("array length", minBytes);
    return new MetadataArray(
        type,
        switch (type) {
          case UINT8, INT8 -> bytes(in, count);
          case BOOL -> bools(in, count);
          case UINT16, INT16 -> shorts(in, count);
          case UINT32, INT32 -> ints(in, count);
          case UINT64, INT64 -> longs(in, count);
          case FLOAT32 -> floats(in, count);
          case FLOAT64 -> doubles(in, count);
          case STRING -> strings(in, count);
          case ARRAY -> arrays(in, count, depth);
        });
  }

  private static byte[] bytes(HeaderReader in, int count) {
    byte[] values = new byte[count];
    in.bytes(values, 0, count);
    return values;
  }

  private static byte[] bools(HeaderReader in, int count) {
    byte[] values = new byte[count];
    for (int i = 0; i < count; i++) {
      values[i] = bool(in);
    }
    return values;
  }

  private static short[] shorts(HeaderReader in, int count) {
    short[] values = new short[count];
    for (int i = 0; i < count; i++) {
      values[i] = in.i16();
    }
    return values;
  }

  private static int[] ints(HeaderReader in, int count) {
    int[] values = new int[count];
    for (int i = 0; i < count; i++) {
      values[i] = in.i32();
    }
    return values;
  }

  private static long[] longs(HeaderReader in, int count) {
    long[] values = new long[count];
    for (int i = 0; i < count; i++) {
      values[i] = in.i64();
    }
    return values;
  }

  private static float[] floats(HeaderReader in, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = Float.intBitsToFloat(in.i32());
    }
    return values;
  }

  private static double[] doubles(HeaderReader in, int count) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = Double.longBitsToDouble(in.i64());
    }
    return values;
  }

  private static StringArray strings(HeaderReader in, int count) {
    int[] ends = new int[count];
    byte[] data = new byte[(int) Math.min(8L * count, in.remaining())];
    int end = 0;
    for (int i = 0; i < count; i++) {
      int bytes = in.stringLength(HeaderReader.MAX_STRING_BYTES);
      if (data.length - end < bytes) {
        long grown = Math.max(end + (long) bytes, data.length + (data.length >> 1));
        data = Arrays.copyOf(data, (int) Math.min(grown, HeaderReader.MAX_HEADER_BYTES + bytes));
      }
      in.bytes(data, end, bytes);
      end += bytes;
      ends[i] = end;
    }
    return new StringArray(data.length - end > end / 8 ? Arrays.copyOf(data, end) : data, ends);
  }

  private static MetadataArray[] arrays(HeaderReader in, int count, int depth) {
    MetadataArray[] values = new MetadataArray[count];
    for (int i = 0; i < count; i++) {
      values[i] = array(in, depth + 1);
    }
    return values;
  }
}
