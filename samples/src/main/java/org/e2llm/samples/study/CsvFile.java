package org.e2llm.samples.study;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.e2llm.samples.console.UsageException;

/**
 * A table that grows at its end and survives being interrupted: lines that belong together are
 * written at once, and a last line without its end is dropped on reading. No field has a comma.
 * Thread-safe.
 */
final class CsvFile {
  private final Path file;
  private final String header;

  CsvFile(Path file, String header) {
    this.file = file;
    this.header = header;
  }

  /** Rows, each made of its fields; empty if the file is not there. */
  <T> List<T> read(Function<List<String>, T> row) {
    List<T> rows = new ArrayList<>();
    for (List<String> fields : fields()) {
      try {
        rows.add(row.apply(fields));
      } catch (NumberFormatException e) {
        throw new UsageException(
            file + " line " + (rows.size() + 2) + " has no number where one belongs: " + fields);
      }
    }
    return rows;
  }

  private synchronized List<List<String>> fields() {
    if (!Files.exists(file)) {
      return List.of();
    }
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
    String[] lines = text.substring(0, text.lastIndexOf('\n') + 1).split("\n");
    if (!lines[0].equals(header)) {
      throw new UsageException(
          file + " begins with \"" + lines[0] + "\", expected is \"" + header + "\"");
    }
    int columns = header.split(",", -1).length;
    List<List<String>> rows = new ArrayList<>();
    for (int i = 1; i < lines.length; i++) {
      List<String> fields = List.of(lines[i].split(",", -1));
      if (fields.size() != columns) {
        throw new UsageException(
            file + " line " + (i + 1) + ": " + fields.size() + " fields, expected " + columns);
      }
      rows.add(fields);
    }
    return rows;
  }

  /** Adds lines, all or (if the process dies) none that would be read. */
  synchronized void append(List<String> lines) {
    try {
      if (!Files.exists(file)) {
        replace(List.of());
      }
      byte[] bytes = (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8);
      Files.write(file, bytes, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  /** Writes all anew: beside it, then in its place. */
  synchronized void replace(List<String> lines) {
    List<String> all = new ArrayList<>();
    all.add(header);
    all.addAll(lines);
    Path fresh = file.resolveSibling(file.getFileName() + ".part");
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.writeString(fresh, String.join("\n", all) + "\n");
      Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }
}
