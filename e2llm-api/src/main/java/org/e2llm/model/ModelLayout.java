package org.e2llm.model;

import java.util.List;

/**
 * Where the bytes of a model lie in its files, and which stages read them; known from the headers
 * alone.
 *
 * @param layerCount transformer blocks
 * @param tied whether the output head is the embedding
 * @param files of the set, in its order; one where it is not split
 * @param tensors of all files, file after file, each in the order of its header
 */
public record ModelLayout(int layerCount, boolean tied, List<File> files, List<Tensor> tensors) {
  /** What a tensor is for. */
  public enum Part {
    /** Read by the first stage; with a tied output by the last one too. */
    EMBEDDING,
    /** Read by the stage that computes its layer. */
    LAYER,
    /** Read by the last stage. */
    OUTPUT,
    /** Read by every stage; a few hundred bytes of rotation factors. */
    SHARED,
    /** Read by none. */
    UNUSED
  }

  /**
   * One file.
   *
   * @param source where it lies
   * @param bytes size of the file
   * @param headerBytes what comes before the first tensor, padding included
   */
  public record File(ModelSource source, long bytes, long headerBytes) {}

  /**
   * One tensor; lies in its file after the header, and beside all others.
   *
   * @param name as in the file
   * @param layer for {@link Part#LAYER}, otherwise -1
   * @param file index into {@link #files}
   * @param offset first byte in that file
   * @param bytes at least 1
   */
  public record Tensor(String name, Part part, int layer, int file, long offset, long bytes) {}

  public ModelLayout {
    files = List.copyOf(files);
    tensors = List.copyOf(tensors);
  }

  /** Whether a stage of {@code range} reads {@code tensor}; one of no layers reads nothing. */
  public boolean needs(LayerRange range, Tensor tensor) {
    if (range.size() == 0) {
      return false;
    }
    boolean first = range.from() == 0;
    boolean last = range.to() == layerCount;
    switch (tensor.part()) {
      case EMBEDDING:
        return first || (last && tied);
      case LAYER:
        return range.contains(tensor.layer());
      case OUTPUT:
        return last;
      case SHARED:
        return true;
      default:
        return false;
    }
  }
}
