package org.e2llm.kernels.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.e2llm.ClosedException;
import org.e2llm.ModelFormatException;
import org.e2llm.UnsupportedModelException;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.model.GgmlType;
import org.e2llm.model.ModelSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WeightSliceTest {
  private static final int ROWS = 37;
  private static final int COLUMNS = 64;

  @TempDir Path folder;
  private Path path = Paths.get("");

  /** The ways in which weights are mapped. */
  enum Mapping {
    /** What this runtime chooses: segments on JDK 25. */
    LOOKUP,
    /** Base code. */
    BUFFERS,
    /** Base code where a tensor takes many buffers. */
    SMALL_BUFFERS;

    WeightSlice map(GgufFile file, Predicate<String> names) throws IOException {
      if (this == LOOKUP) {
        return file.map(names);
      }
      List<TensorInfo> chosen = new ArrayList<>();
      for (TensorInfo tensor : file.tensors().values()) {
        if (names.test(tensor.name())) {
          chosen.add(tensor);
        }
      }
      long limit = this == BUFFERS ? BufferMapping.MAX_PIECE_BYTES : 300;
      return new WeightSlice("test", chosen, new BufferMapping(file, chosen, limit));
    }
  }

  @BeforeEach
  void writeFile() throws IOException {
    path = folder.resolve("weights.gguf");
    ByteBuffer matrix = ByteBuffer.allocate(ROWS * COLUMNS * 2).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
      matrix.putShort(2 * i, (short) i);
    }
    new GgufWriter()
        .tensor("before", GgmlType.F32, new long[] {2}, floats(1.5f, -2))
        .tensor("matrix", GgmlType.F16, new long[] {COLUMNS, ROWS}, TensorData.of(matrix.array()))
        .tensor("half", GgmlType.F16, new long[] {3}, shorts(0x3c00, 0x8001, 0xfc00))
        .tensor("brain", GgmlType.BF16, new long[] {2}, shorts(0x3f80, 0xc000))
        .tensor("cube", GgmlType.F32, new long[] {2, 2, 2}, TensorData.of(new byte[32]))
        .tensor("flat", GgmlType.F32, new long[] {2, 2, 1}, TensorData.of(new byte[16]))
        .tensor("old", GgmlType.IQ2_XXS, new long[] {256}, TensorData.of(new byte[66]))
        .tensor("wide", GgmlType.F32, new long[] {1L << 31}, TensorData.HOLE)
        .write(path);
  }

  @ParameterizedTest
  @EnumSource
  void everyRowOfAMatrixIsFound(Mapping mapping) throws IOException {
    try (GgufFile file = GgufFile.open(ModelSource.of(path));
        WeightSlice slice = mapping.map(file, name -> !name.equals("wide"))) {
      Tensor matrix = slice.tensor("matrix");
      assertThat(matrix.rows()).isEqualTo(ROWS);
      assertThat(matrix.columns()).isEqualTo(COLUMNS);
      for (int row = 0; row < ROWS; row++) {
        ByteBuffer bytes = matrix.buffer(row);
        assertThat(bytes.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
        for (int column = 0; column < COLUMNS; column++) {
          assertThat(bytes.getShort(matrix.offset(row) + 2 * column))
              .isEqualTo((short) (row * COLUMNS + column));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void vectorsAreWidened(Mapping mapping) throws IOException {
    try (GgufFile file = GgufFile.open(ModelSource.of(path));
        WeightSlice slice = mapping.map(file, name -> !name.equals("wide"))) {
      assertThat(slice.floats("before")).containsExactly(1.5f, -2);
      assertThat(slice.floats("half")).containsExactly(1, -0x1p-24f, Float.NEGATIVE_INFINITY);
      assertThat(slice.floats("brain")).containsExactly(1, -2);
    }
  }

  @ParameterizedTest
  @EnumSource
  void onlyWhatWasChosenIsMapped(Mapping mapping) throws IOException {
    try (GgufFile file = GgufFile.open(ModelSource.of(path));
        WeightSlice slice = mapping.map(file, "matrix"::equals)) {
      assertThat(slice.has("matrix")).isTrue();
      assertThat(slice.has("before")).isFalse();
      assertThat(slice.mappedBytes()).isEqualTo(ROWS * COLUMNS * 2);
      assertThatThrownBy(() -> slice.tensor("before"))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("tensor before: missing");
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatKernelsCannotComputeIsRefusedByName(Mapping mapping) throws IOException {
    try (GgufFile file = GgufFile.open(ModelSource.of(path));
        WeightSlice slice = mapping.map(file, name -> !name.equals("wide"))) {
      assertThatThrownBy(() -> slice.tensor("old"))
          .isInstanceOf(UnsupportedModelException.class)
          .hasMessageContaining("tensor old: type IQ2_XXS is not computed");
      assertThatThrownBy(() -> slice.tensor("cube"))
          .isInstanceOf(UnsupportedModelException.class)
          .hasMessageContaining("tensor cube: shape [2, 2, 2]");
      assertThatThrownBy(() -> slice.floats("matrix"))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("tensor matrix: shape [64, 37], expected one dimension");
      assertThatThrownBy(() -> slice.floats("old"))
          .isInstanceOf(UnsupportedModelException.class)
          .hasMessageContaining("tensor old: type IQ2_XXS");
      assertThat(slice.tensor("flat").rows()).isEqualTo(2);
    }
  }

  @Test
  void aDimensionBeyondAnIntIsRefused() {
    try (GgufFile file = GgufFile.open(ModelSource.of(path));
        WeightSlice slice = file.map("wide"::equals)) {
      assertThatThrownBy(() -> slice.tensor("wide"))
          .isInstanceOf(UnsupportedModelException.class)
          .hasMessageContaining("dimension 0 is 2147483648, beyond the limit of 2147483647");
    }
  }

  @ParameterizedTest
  @EnumSource
  void aClosedSliceGivesNothing(Mapping mapping) throws IOException {
    try (GgufFile file = GgufFile.open(ModelSource.of(path))) {
      WeightSlice slice = mapping.map(file, "before"::equals);
      slice.close();
      slice.close();
      assertThat(slice.mappedBytes()).isZero();
      assertThatThrownBy(() -> slice.tensor("before")).isInstanceOf(ClosedException.class);
      assertThatThrownBy(() -> slice.floats("before")).isInstanceOf(ClosedException.class);
    }
  }

  @Test
  void onJdk25ClosingUnmapsAndALateReaderGetsAnException() throws IOException {
    try (GgufFile file = GgufFile.open(ModelSource.of(path))) {
      WeightSlice slice = file.map("matrix"::equals);
      Tensor matrix = slice.tensor("matrix");
      ByteBuffer bytes = matrix.buffer(0);
      Path maps = Paths.get("/proc/self/maps");
      if (Files.exists(maps)) {
        assertThat(Files.readString(maps)).contains(path.toString());
      }
      slice.close();
      if (Files.exists(maps)) {
        assertThat(Files.readString(maps)).doesNotContain(path.toString());
      }
      assertThatThrownBy(() -> bytes.getShort(0)).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void aSliceOutlivesItsFile() {
    GgufFile file = GgufFile.open(ModelSource.of(path));
    try (WeightSlice slice = file.map("before"::equals)) {
      file.close();
      assertThat(slice.floats("before")).containsExactly(1.5f, -2);
    }
  }

  @Test
  void aChannelWithoutSegmentsIsMappedByBuffers() throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      CountingChannel counting = new CountingChannel(channel);
      GgufFile file = GgufFile.open(ModelSource.of(counting, 0, channel.size()));
      try (WeightSlice slice = file.map("before"::equals)) {
        assertThat(slice.floats("before")).containsExactly(1.5f, -2);
        assertThat(counting.mappings).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"LOOKUP", "BUFFERS"})
  void aTensorOverTwoGibibytesIsRead(Mapping mapping) throws IOException {
    Path large = folder.resolve("large.gguf");
    int columns = 1 << 14;
    int rows = 50_000;
    new GgufWriter()
        .tensor("large", GgmlType.F32, new long[] {columns, rows}, TensorData.HOLE)
        .write(large);
    try (GgufFile file = GgufFile.open(ModelSource.of(large))) {
      TensorInfo info = file.tensors().get("large");
      int[] marked = {0, 16_383, 16_384, 32_768, 49_999};
      try (FileChannel channel = FileChannel.open(large, StandardOpenOption.WRITE)) {
        for (int row : marked) {
          byte[] first = {0, 0, 0, (byte) (row % 100)};
          channel.write(ByteBuffer.wrap(first), info.offset() + 4L * columns * row);
        }
      }
      try (WeightSlice slice = mapping.map(file, "large"::equals)) {
        Tensor tensor = slice.tensor("large");
        for (int row : marked) {
          assertThat(tensor.buffer(row).get(tensor.offset(row) + 3))
              .as("row %d", row)
              .isEqualTo((byte) (row % 100));
        }
        assertThat(slice.mappedBytes()).isEqualTo(4L * columns * rows);
      }
    }
  }

  private static TensorData floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return TensorData.of(bytes.array());
  }

  private static TensorData shorts(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : values) {
      bytes.putShort((short) value);
    }
    return TensorData.of(bytes.array());
  }
}
