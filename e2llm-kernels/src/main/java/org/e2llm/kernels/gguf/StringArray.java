package org.e2llm.kernels.gguf;

import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.RandomAccess;

/**
 * An immutable list of strings that lies in memory as the file has it: one byte array and one
 * offset per string, so that a vocabulary of 262,144 tokens takes megabytes, not tens of them.
 *
 * <p>{@link #get} decodes UTF-8 on every call and puts U+FFFD where bytes are none; {@link #bytes}
 * gives the bytes themselves.
 */
public final class StringArray extends AbstractList<String> implements RandomAccess {
  private final byte[] data;
  private final int[] ends;

  /** {@code ends[i]} is where string i ends in {@code data}. Both arrays are taken, not copied. */
  StringArray(byte[] data, int[] ends) {
    this.data = data;
    this.ends = ends;
  }

  /** The strings of {@code list}, or the list itself where it is one already. */
  static StringArray of(List<String> list) {
    if (list instanceof StringArray array) {
      return array;
    }
    byte[] data = new byte[Math.max(16, 8 * list.size())];
    int[] ends = new int[list.size()];
    int end = 0;
    for (int i = 0; i < ends.length; i++) {
      byte[] utf8 = list.get(i).getBytes(StandardCharsets.UTF_8);
      if (data.length - end < utf8.length) {
        data = Arrays.copyOf(data, Math.max(2 * data.length, end + utf8.length));
      }
      System.arraycopy(utf8, 0, data, end, utf8.length);
      end += utf8.length;
      ends[i] = end;
    }
    return new StringArray(data, ends);
  }

  @Override
  public String get(int index) {
    int start = start(index);
    return new String(data, start, ends[index] - start, StandardCharsets.UTF_8);
  }

  /** A copy of the bytes of string {@code index}, which may be no valid UTF-8. */
  public byte[] bytes(int index) {
    return Arrays.copyOfRange(data, start(index), ends[index]);
  }

  @Override
  public int size() {
    return ends.length;
  }

  private int start(int index) {
    return index == 0 ? 0 : ends[index - 1];
  }
}
