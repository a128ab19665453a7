package org.e2llm.kernels.gguf;

import org.jspecify.annotations.Nullable;

/**
 * The types of metadata values, in the order of their numbers in the file.
 *
 * <p>Source: {@code enum gguf_metadata_value_type} of gguf.md.
 */
public enum MetadataType {
  UINT8("u8", 1),
  INT8("i8", 1),
  UINT16("u16", 2),
  INT16("i16", 2),
  UINT32("u32", 4),
  INT32("i32", 4),
  FLOAT32("f32", 4),
  BOOL("bool", 1),
  STRING("string", 0),
  ARRAY("array", 0),
  UINT64("u64", 8),
  INT64("i64", 8),
  FLOAT64("f64", 8);

  private static final MetadataType[] BY_ID = values();

  private final String label;
  private final int bytes;

  MetadataType(String label, int bytes) {
    this.label = label;
    this.bytes = bytes;
  }

  /** The number that stands for this type in a file. */
  public int id() {
    return ordinal();
  }

  /** Short name for messages, such as {@code u32}. */
  public String label() {
    return label;
  }

  /** Bytes of one value in the file; 0 where that depends on the value. */
  public int bytes() {
    return bytes;
  }

  /** Whether values are whole numbers. */
  public boolean isInteger() {
    switch (this) {
      case FLOAT32:
      case FLOAT64:
      case BOOL:
      case STRING:
      case ARRAY:
        return false;
      default:
        return true;
    }
  }

  /** The type with this number, or null. */
  static @Nullable MetadataType byId(int id) {
    return id >= 0 && id < BY_ID.length ? BY_ID[id] : null;
  }
}
