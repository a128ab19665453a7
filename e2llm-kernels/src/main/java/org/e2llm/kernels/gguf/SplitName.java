package org.e2llm.kernels.gguf;

import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The name of one file of a split set, {@code prefix-00001-of-00003.gguf}.
 *
 * <p>Source: {@code llama_split_path} of llama.cpp.
 *
 * @param sibling a file beside which the set lies
 * @param prefix what all names begin with
 * @param count files of the set by the name
 */
record SplitName(Path sibling, String prefix, int count) {
  private static final Pattern NAME = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

  /** The parts of {@code path}'s name, or null where it is no split name. */
  static @Nullable SplitName parse(Path path) {
    Path name = path.getFileName();
    Matcher matcher = NAME.matcher(name == null ? "" : name.toString());
    return matcher.matches()
        ? new SplitName(path, matcher.group(1), Integer.parseInt(matcher.group(3)))
        : null;
  }

  /** The file with the number {@code index}, counted from 0. */
  Path file(int index) {
    return sibling.resolveSibling(
        String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", prefix, index + 1, count));
  }
}
