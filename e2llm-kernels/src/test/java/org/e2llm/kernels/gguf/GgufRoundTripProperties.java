package org.e2llm.kernels.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.model.GgmlType;
import org.e2llm.model.ModelSource;

/** What is written is what is read. */
class GgufRoundTripProperties {
  @Property(tries = 200)
  void metadataComesBackWithTypesAndOrder(
      @ForAll("metadata") Map<String, MetadataValue> values, @ForAll("versions") int version)
      throws IOException {
    Path path = Files.createTempFile("round-trip", ".gguf");
    try {
      GgufWriter writer = new GgufWriter().version(version);
      values.forEach(writer::put);
      writer.write(path);
      try (GgufFile file = GgufFile.open(ModelSource.of(path))) {
        assertThat(file.version()).isEqualTo(version);
        assertThat(file.metadata()).isEqualTo(GgufMetadata.of(values));
        assertThat(file.metadata().keys()).containsExactlyElementsOf(values.keySet());
        new GgufWriter().version(version).putAll(file.metadata()).write(path);
        try (GgufFile copy = GgufFile.open(ModelSource.of(path))) {
          assertThat(copy.metadata()).isEqualTo(file.metadata());
        }
      }
    } finally {
      Files.delete(path);
    }
  }

  @Property(tries = 100)
  void tensorsComeBackByteByByte(
      @ForAll List<@IntRange(min = 1, max = 5) Integer> rowCounts,
      @ForAll("alignments") int alignment,
      @ForAll Random random)
      throws IOException {
    GgmlType[] types = WeightSlice.COMPUTED.toArray(new GgmlType[0]);
    Path path = Files.createTempFile("round-trip", ".gguf");
    try {
      GgufWriter writer = new GgufWriter().put("general.alignment", alignment);
      byte[][] written = new byte[rowCounts.size()][];
      for (int i = 0; i < written.length; i++) {
        GgmlType type = types[random.nextInt(types.length)];
        long columns = type.blockSize() * (1L + random.nextInt(3));
        written[i] = new byte[(int) type.bytes(columns * rowCounts.get(i))];
        random.nextBytes(written[i]);
        writer.tensor(
            "t" + i, type, new long[] {columns, rowCounts.get(i)}, TensorData.of(written[i]));
      }
      writer.write(path);
      try (GgufFile file = GgufFile.open(ModelSource.of(path));
          WeightSlice slice = file.map(name -> true)) {
        for (int i = 0; i < written.length; i++) {
          assertThat(file.tensors().get("t" + i).offset() % alignment).isZero();
          assertThat(bytes(slice.tensor("t" + i))).isEqualTo(written[i]);
        }
      }
    } finally {
      Files.delete(path);
    }
  }

  private static byte[] bytes(Tensor tensor) {
    ByteBuffer all = ByteBuffer.allocate((int) (tensor.rows() * tensor.rowBytes()));
    for (int row = 0; row < tensor.rows(); row++) {
      for (int i = 0; i < tensor.rowBytes(); i++) {
        all.put(tensor.buffer(row).get(tensor.offset(row) + i));
      }
    }
    return all.array();
  }

  @Provide
  Arbitrary<Integer> versions() {
    return Arbitraries.of(2, 3);
  }

  @Provide
  Arbitrary<Integer> alignments() {
    return Arbitraries.of(1, 8, 24, 32, 64, 4096);
  }

  @Provide
  Arbitrary<Map<String, MetadataValue>> metadata() {
    Arbitrary<String> keys = Arbitraries.strings().withCharRange('a', 'z').ofMinLength(1);
    return Arbitraries.maps(keys, values()).ofMaxSize(12);
  }

  private static Arbitrary<MetadataValue> values() {
    return Arbitraries.oneOf(
        Arbitraries.bytes().map(b -> new MetadataValue(MetadataType.UINT8, b & 0xffL)),
        Arbitraries.bytes().map(b -> new MetadataValue(MetadataType.INT8, (long) b)),
        Arbitraries.shorts().map(s -> new MetadataValue(MetadataType.UINT16, s & 0xffffL)),
        Arbitraries.shorts().map(s -> new MetadataValue(MetadataType.INT16, (long) s)),
        Arbitraries.integers().map(i -> new MetadataValue(MetadataType.UINT32, i & 0xffffffffL)),
        Arbitraries.integers().map(i -> new MetadataValue(MetadataType.INT32, (long) i)),
        Arbitraries.longs().map(l -> new MetadataValue(MetadataType.UINT64, l)),
        Arbitraries.longs().map(l -> new MetadataValue(MetadataType.INT64, l)),
        Arbitraries.floats().map(MetadataValue::of),
        Arbitraries.doubles().map(MetadataValue::of),
        Arbitraries.of(true, false).map(MetadataValue::of),
        texts().map(MetadataValue::of),
        texts().list().ofMaxSize(5).map(MetadataValue::of),
        texts().list().ofMaxSize(3).list().ofMaxSize(3).map(MetadataValue::of),
        Arbitraries.integers().array(int[].class).ofMaxSize(5).map(MetadataValue::of),
        Arbitraries.longs()
            .array(long[].class)
            .ofMaxSize(5)
            .map(store -> MetadataValue.array(MetadataType.UINT64, store)),
        Arbitraries.shorts()
            .array(short[].class)
            .ofMaxSize(5)
            .map(store -> MetadataValue.array(MetadataType.UINT16, store)),
        Arbitraries.bytes()
            .array(byte[].class)
            .ofMaxSize(5)
            .map(store -> MetadataValue.array(MetadataType.INT8, store)),
        Arbitraries.doubles().array(double[].class).ofMaxSize(5).map(MetadataValue::of));
  }

  private static Arbitrary<String> texts() {
    return Arbitraries.strings().withChars("aé✓ ").ofMaxLength(9);
  }
}
