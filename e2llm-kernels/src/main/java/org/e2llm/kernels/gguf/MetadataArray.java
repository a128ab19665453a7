package org.e2llm.kernels.gguf;

import java.lang.reflect.Array;
import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;

/**
 * An array of metadata values of one type, held as narrow as the file has it. Immutable.
 *
 * <p>As a list it gives what {@link GgufMetadata#value} documents for the element type.
 */
public final class MetadataArray extends AbstractList<Object> implements RandomAccess {
  private final MetadataType elementType;
  private final Object store;
  private final int size;

  /**
   * @param store {@code byte[]} (8 bits and bool), {@code short[]}, {@code int[]}, {@code long[]},
   *     {@code float[]}, {@code double[]}, {@link StringArray} or {@code MetadataArray[]}; taken,
   *     not copied
   */
  MetadataArray(MetadataType elementType, Object store) {
    this.elementType = elementType;
    this.store = store;
    this.size = store instanceof List<?> list ? list.size() : Array.getLength(store);
  }

  /** The type of every element. */
  public MetadataType elementType() {
    return elementType;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Object get(int index) {
    return switch (elementType) {
      case FLOAT32 -> ((float[]) store)[index];
      case FLOAT64 -> ((double[]) store)[index];
      case BOOL -> ((byte[]) store)[index] != 0;
      case STRING -> strings().get(index);
      case ARRAY -> ((MetadataArray[]) store)[index];
      default -> MetadataValue.box(elementType, integer(index));
    };
  }

  /** Element {@code index} of an array of integers or bools; of u64, the bits. */
  long integer(int index) {
    return switch (elementType) {
      case UINT8 -> ((byte[]) store)[index] & 0xffL;
      case INT8, BOOL -> ((byte[]) store)[index];
      case UINT16 -> ((short[]) store)[index] & 0xffffL;
      case INT16 -> ((short[]) store)[index];
      case UINT32 -> ((int[]) store)[index] & 0xffffffffL;
      case INT32 -> ((int[]) store)[index];
      case UINT64, INT64 -> ((long[]) store)[index];
      default -> throw new IllegalStateException("no integers but " + elementType.label());
    };
  }

  /** Element {@code index} of an array of numbers. */
  double number(int index) {
    return switch (elementType) {
      case FLOAT32 -> ((float[]) store)[index];
      case FLOAT64 -> ((double[]) store)[index];
      default -> ((Number) get(index)).doubleValue();
    };
  }

  StringArray strings() {
    return (StringArray) store;
  }

  Object store() {
    return store;
  }
}
