package org.e2llm.kernels.model;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.model.KvType;

/**
 * The keys, or the values, of one session in one layer: a list of pages of {@value #POSITIONS}
 * positions, each a heap array that holds head after head, {@code [head][position][element]}, so
 * that one head's positions lie together when attention reads them.
 *
 * <p>Different positions may be written by different threads at once; growing may not happen
 * meanwhile.
 *
 * @param <P> the array type of a page
 */
abstract class KvPages<P> {
  /** Positions per page. Page borders are absolute positions. */
  static final int POSITIONS = 64;

  /** Heads per position. */
  final int heads;

  /** Elements per head. */
  final int headSize;

  private final List<P> pages = new ArrayList<>();

  KvPages(int heads, int headSize) {
    this.heads = heads;
    this.headSize = headSize;
  }

  static KvPages<?> of(KvType type, int heads, int headSize, Kernels kernels) {
    switch (type) {
      case F32:
        return new KvPagesF32(heads, headSize);
      case F16:
        return new KvPagesF16(heads, headSize, kernels);
      default:
        return new KvPagesQ8(heads, headSize);
    }
  }

  /** Makes room for {@code positions}. */
  final void grow(int positions) {
    int wanted = pagesFor(positions);
    while (pages.size() < wanted) {
      pages.add(newPage());
    }
  }

  /** Frees the pages that {@code positions} do not need. */
  final void shrink(int positions) {
    int wanted = pagesFor(positions);
    while (pages.size() > wanted) {
      pages.remove(pages.size() - 1);
    }
  }

  final int pageCount() {
    return pages.size();
  }

  /** Stores all heads of {@code position} from {@code x[offset ...]}, head after head. */
  final void write(int position, float[] x, int offset) {
    P page = pages.get(position / POSITIONS);
    int slot = position % POSITIONS;
    for (int head = 0; head < heads; head++) {
      encode(x, offset + head * headSize, page, element(head, slot));
    }
  }

  /** The first {@code count} positions of a page and head, as F32, {@code [position][element]}. */
  final void read(int page, int head, int count, float[] out) {
    decode(pages.get(page), element(head, 0), count * headSize, out);
  }

  /** Puts positions {@code [from, to)}, each head after head, in the cache's own type. */
  final void copyOut(int from, int to, ByteBuffer out) {
    for (int position = from; position < to; position++) {
      P page = pages.get(position / POSITIONS);
      for (int head = 0; head < heads; head++) {
        put(page, element(head, position % POSITIONS), out);
      }
    }
  }

  /** Gets positions {@code [from, to)} as {@link #copyOut} put them. */
  final void copyIn(int from, int to, ByteBuffer in) {
    for (int position = from; position < to; position++) {
      P page = pages.get(position / POSITIONS);
      for (int head = 0; head < heads; head++) {
        get(page, element(head, position % POSITIONS), in);
      }
    }
  }

  /** Elements of one page. */
  final int pageElements() {
    return heads * POSITIONS * headSize;
  }

  abstract P newPage();

  /** Stores {@code headSize} floats at {@code element}. */
  abstract void encode(float[] x, int offset, P page, int element);

  /** Reads {@code n} floats from {@code element} on. */
  abstract void decode(P page, int element, int n, float[] out);

  /** Copies {@code headSize} stored elements to {@code out}. */
  abstract void put(P page, int element, ByteBuffer out);

  /** Copies {@code headSize} stored elements from {@code in}. */
  abstract void get(P page, int element, ByteBuffer in);

  private int element(int head, int slot) {
    return (head * POSITIONS + slot) * headSize;
  }

  private static int pagesFor(int positions) {
    return (positions + POSITIONS - 1) / POSITIONS;
  }
}
