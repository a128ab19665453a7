package org.e2llm.kernels.gguf;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.UnsupportedModelException;
import org.e2llm.model.GgmlType;

/**
 * The header of one GGUF file, parsed and checked.
 *
 * <pre>
 *   u32 magic "GGUF" | u32 version | u64 tensors | u64 key-values
 *   key-value:  string key | u32 type | value
 *   tensor:     string name | u32 dimensions | u64 dimension ... | u32 type | u64 offset
 *   padding to general.alignment, then tensor data; offsets count from there
 *   string:     u64 length | bytes           array: u32 type | u64 count | values
 * </pre>
 *
 * @param tensors in file order, with offsets that count from the start of the file
 * @param dataStart where tensor data begins
 * @param bytesRead bytes read from the file to know this
 */
record Header(
    int version, GgufMetadata metadata, List<TensorInfo> tensors, long dataStart, long bytesRead) {
  private static final int MAGIC = 0x46554747;
  private static final int DEFAULT_ALIGNMENT = 32;
  private static final int MAX_ALIGNMENT = 1 << 30;
  private static final int MAX_NAME_BYTES = 65535;
  private static final int MAX_DIMENSIONS = 4;
  private static final int MIN_KEY_VALUE_BYTES = 8 + 4 + 1;
  private static final int MIN_TENSOR_BYTES = 8 + 4 + 8 + 4 + 8;

  /** Reads the header of file number {@code file} of its set, which has {@code length} bytes. */
  static Header read(HeaderReader in, int file, long length) {
    int magic = in.i32();
    if (magic != MAGIC) {
      throw in.error(String.format("found %08x, expected %08x (\"GGUF\")", magic, MAGIC));
    }
    in.field("version");
    int version = in.i32();
    if (version != 2 && version != 3) {
      throw new UnsupportedModelException(
          in.error("").getMessage()
              + (Integer.reverseBytes(version) == 2 || Integer.reverseBytes(version) == 3
                  ? "a big-endian file; only little-endian files are read"
                  : Integer.toUnsignedString(version) + " is not supported; 2 and 3 are"));
    }
    in.field("tensor count");
    long tensorCount = in.count("tensor count", MIN_TENSOR_BYTES);
    in.field("metadata count");
    long metadataCount = in.count("metadata count", MIN_KEY_VALUE_BYTES);
    GgufMetadata metadata = readMetadata(in, metadataCount);
    int alignment = alignment(in, metadata);
    List<Entry> entries = readTensors(in, tensorCount);
    long dataStart = (in.position() + alignment - 1) / alignment * alignment;
    List<TensorInfo> tensors = place(in, entries, dataStart, file, length);
    return new Header(version, metadata, tensors, dataStart, in.bytesRead());
  }

  private static GgufMetadata readMetadata(HeaderReader in, long count) {
    Map<String, MetadataValue> values = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      in.field("metadata key " + i);
      String key = in.string(MAX_NAME_BYTES);
      in.field("metadata " + key);
      if (values.put(key, MetadataReader.value(in)) != null) {
        throw in.error("the key is there twice");
      }
    }
    return GgufMetadata.of(values);
  }

  /** Powers of two, as ggml wants them, and multiples of eight, as the specification has it. */
  private static int alignment(HeaderReader in, GgufMetadata metadata) {
    in.field("metadata general.alignment");
    int alignment = metadata.integer("general.alignment", DEFAULT_ALIGNMENT);
    boolean powerOfTwo = Integer.bitCount(alignment) == 1;
    if (alignment < 1 || alignment > MAX_ALIGNMENT || (!powerOfTwo && alignment % 8 != 0)) {
      throw in.error(
          "found "
              + alignment
              + ", expected a power of two or a multiple of 8, from 1 to "
              + MAX_ALIGNMENT);
    }
    return alignment;
  }

  /** A tensor as the file describes it; {@code offset} counts from the start of the data. */
  private record Entry(String name, GgmlType type, List<Long> shape, long bytes, long offset) {}

  private static List<Entry> readTensors(HeaderReader in, long count) {
    List<Entry> entries = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      in.field("tensor name " + i);
      String name = in.string(MAX_NAME_BYTES);
      in.field("tensor " + name);
      List<Long> shape = readShape(in);
      int typeId = in.i32();
      GgmlType type = GgmlType.byId(typeId);
      if (type == null) {
        throw new UnsupportedModelException(
            in.error("type number ").getMessage()
                + Integer.toUnsignedString(typeId)
                + " is unknown; known are "
                + List.of(GgmlType.values()));
      }
      entries.add(new Entry(name, type, shape, bytes(in, type, shape), in.i64()));
    }
    return entries;
  }

  private static List<Long> readShape(HeaderReader in) {
    int dimensions = in.i32();
    if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
      throw in.error(
          "number of dimensions is "
              + Integer.toUnsignedString(dimensions)
              + ", expected 1 to "
              + MAX_DIMENSIONS);
    }
    Long[] shape = new Long[dimensions];
    long elements = 1;
    for (int i = 0; i < dimensions; i++) {
      long size = in.i64();
      if (size < 1) {
        throw in.error(
            "dimension " + i + " is " + Long.toUnsignedString(size) + ", expected 1 to 2^63 - 1");
      }
      if (size > Long.MAX_VALUE / elements) {
        throw in.error("the product of the dimensions is beyond the limit of 2^63 - 1");
      }
      elements *= size;
      shape[i] = size;
    }
    return List.of(shape);
  }

  private static long bytes(HeaderReader in, GgmlType type, List<Long> shape) {
    long columns = shape.get(0);
    if (columns % type.blockSize() != 0) {
      throw in.error(
          "rows of "
              + columns
              + " elements are not whole blocks of "
              + type.blockSize()
              + " ("
              + type
              + ")");
    }
    long blocks = columns / type.blockSize();
    for (long size : shape.subList(1, shape.size())) {
      blocks *= size;
    }
    if (blocks > Long.MAX_VALUE / type.blockBytes()) {
      throw in.error("the size in bytes is beyond the limit of 2^63 - 1");
    }
    return blocks * type.blockBytes();
  }

  /** Checks that tensors lie in the file, one beside the other, each name once. */
  private static List<TensorInfo> place(
      HeaderReader in, List<Entry> entries, long dataStart, int file, long length) {
    List<TensorInfo> tensors = new ArrayList<>(entries.size());
    for (Entry entry : entries) {
      long room = length - dataStart - entry.bytes();
      if (entry.offset() < 0 || entry.offset() > room) {
        in.field("tensor " + entry.name());
        throw in.error(
            "offset "
                + Long.toUnsignedString(entry.offset())
                + " and size "
                + entry.bytes()
                + " end outside the file, which has "
                + Math.max(0, length - dataStart)
                + " bytes of tensor data");
      }
      tensors.add(
          new TensorInfo(
              entry.name(),
              entry.type(),
              entry.shape(),
              file,
              dataStart + entry.offset(),
              entry.bytes()));
    }
    List<TensorInfo> byOffset = new ArrayList<>(tensors);
    byOffset.sort(Comparator.comparingLong(TensorInfo::offset));
    for (int i = 1; i < byOffset.size(); i++) {
      TensorInfo before = byOffset.get(i - 1);
      TensorInfo tensor = byOffset.get(i);
      if (before.offset() + before.bytes() > tensor.offset()) {
        in.field("tensor " + tensor.name());
        throw in.error(
            "offset " + (tensor.offset() - dataStart) + " lies inside tensor " + before.name());
      }
    }
    return Collections.unmodifiableList(tensors);
  }
}
