package org.e2llm.transport.slice;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelLayout.Part;
import org.e2llm.model.ModelSource;

/**
 * A model of random bytes: an embedding, layers of a large and a small tensor, an output head. What
 * is in it means nothing, as it means nothing to this package.
 */
record TestModel(ModelLayout layout, List<Path> paths) {
  private static final int ALIGNMENT = 32;

  /** Sizes that are no multiples of anything, so that every tensor ends in a short leaf. */
  static TestModel write(Path folder, long seed, int layers, int layerBytes) {
    return write(folder, seed, layers, layerBytes, 1);
  }

  /** Split into files, as nearly even as tensors allow. */
  static TestModel write(Path folder, long seed, int layers, int layerBytes, int files) {
    SplittableRandom random = new SplittableRandom(seed);
    List<String> names = new ArrayList<>(List.of("token_embd.weight"));
    List<Part> parts = new ArrayList<>(List.of(Part.EMBEDDING));
    List<Integer> bytes = new ArrayList<>(List.of(layerBytes + 17));
    for (int i = 0; i < layers; i++) {
      names.addAll(List.of("blk." + i + ".norm", "blk." + i + ".weight"));
      parts.addAll(List.of(Part.LAYER, Part.LAYER));
      bytes.addAll(List.of(100 + i, layerBytes - 3 * i));
    }
    names.addAll(List.of("output.weight", "rope_freqs.weight", "unused.weight"));
    parts.addAll(List.of(Part.OUTPUT, Part.SHARED, Part.UNUSED));
    bytes.addAll(List.of(layerBytes + 5, 64, 1000));
    List<ModelLayout.File> fileList = new ArrayList<>();
    List<ModelLayout.Tensor> tensors = new ArrayList<>();
    List<Path> paths = new ArrayList<>();
    int each = (names.size() + files - 1) / files;
    for (int file = 0; file < files; file++) {
      int from = file * each;
      int to = Math.min(names.size(), from + each);
      int headerBytes = 96 + 32 * file;
      Path path = folder.resolve("test-" + seed + "-" + file + ".bin");
      long at = headerBytes;
      try (OutputStream out = Files.newOutputStream(path)) {
        out.write(random(random, headerBytes));
        for (int i = from; i < to; i++) {
          int layer = parts.get(i) == Part.LAYER ? (i - 1) / 2 : -1;
          tensors.add(
              new ModelLayout.Tensor(names.get(i), parts.get(i), layer, file, at, bytes.get(i)));
          int padded = (bytes.get(i) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
          out.write(Arrays.copyOf(random(random, bytes.get(i)), padded));
          at += padded;
        }
        out.flush();
        fileList.add(new ModelLayout.File(ModelSource.of(path), at, headerBytes));
        paths.add(path);
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
    return new TestModel(new ModelLayout(layers, false, fileList, tensors), paths);
  }

  private static byte[] random(SplittableRandom random, int count) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }

  /** What an engine would say of the same headers at another place. */
  ModelLayout at(ModelSource source) {
    List<ModelLayout.File> files = new ArrayList<>();
    for (int i = 0; i < layout.files().size(); i++) {
      ModelLayout.File file = layout.files().get(i);
      ModelSource place =
          i == 0 ? source : ModelSource.of(sibling(source.path(), i, layout.files().size()));
      files.add(new ModelLayout.File(place, file.bytes(), file.headerBytes()));
    }
    return new ModelLayout(layout.layerCount(), layout.tied(), files, layout.tensors());
  }

  private static Path sibling(Path first, int file, int files) {
    return first.resolveSibling(String.format("model-%05d-of-%05d.gguf", file + 1, files));
  }

  /** With all its bytes. */
  FullModel full() {
    return full(null);
  }

  FullModel full(Path cache) {
    try {
      return FullModel.open(layout, cache, progress -> {}).get(20, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** The bytes of a tensor in a file of this model or of another place. */
  static byte[] bytes(ModelLayout.Tensor tensor, Path path) {
    try (var channel = Files.newByteChannel(path)) {
      byte[] bytes = new byte[(int) tensor.bytes()];
      channel.position(tensor.offset());
      var buffer = ByteBuffer.wrap(bytes);
      while (buffer.hasRemaining() && channel.read(buffer) >= 0) {}
      return bytes;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
