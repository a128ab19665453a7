package org.e2llm.kernels.gguf;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A contiguous part of one file that is mapped at once: neighbouring tensors and the padding
 * between them.
 *
 * @param file index in the split set
 * @param start first byte in that file
 * @param end after the last byte
 * @param tensors in order of their offsets
 */
record Region(int file, long start, long end, List<TensorInfo> tensors) {
  /** A larger gap than any alignment in use means that something not chosen lies between. */
  private static final long MAX_GAP = 4096;

  long bytes() {
    return end - start;
  }

  /** Covers {@code tensors} with few regions of at most {@code limit} bytes, or of one tensor. */
  static List<Region> cover(List<TensorInfo> tensors, long limit) {
    List<TensorInfo> sorted = new ArrayList<>(tensors);
    sorted.sort(Comparator.comparingInt(TensorInfo::file).thenComparingLong(TensorInfo::offset));
    List<Region> regions = new ArrayList<>();
    List<TensorInfo> run = new ArrayList<>();
    for (TensorInfo tensor : sorted) {
      if (!run.isEmpty() && !continues(run, tensor, limit)) {
        regions.add(of(run));
        run.clear();
      }
      run.add(tensor);
    }
    if (!run.isEmpty()) {
      regions.add(of(run));
    }
    return regions;
  }

  private static boolean continues(List<TensorInfo> run, TensorInfo next, long limit) {
    TensorInfo last = run.get(run.size() - 1);
    return last.file() == next.file()
        && next.offset() - (last.offset() + last.bytes()) <= MAX_GAP
        && next.bytes() <= limit - (next.offset() - run.get(0).offset());
  }

  private static Region of(List<TensorInfo> run) {
    TensorInfo first = run.get(0);
    TensorInfo last = run.get(run.size() - 1);
    return new Region(first.file(), first.offset(), last.offset() + last.bytes(), List.copyOf(run));
  }
}
