package org.e2llm.samples.study;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The results so far, cell by cell, kept in a file. Thread-safe. */
final class Results {
  private final CsvFile file;
  private final Set<String> done = new HashSet<>();
  private final List<Result> all = new ArrayList<>();

  /**
   * Reads what is there; cells that are not complete are dropped.
   *
   * @param rows that a complete cell has
   */
  Results(Path path, int rows) {
    file = new CsvFile(path, Result.header());
    List<Result> lines = file.read(Result::parse);
    Map<String, List<Result>> cells = new LinkedHashMap<>();
    for (Result result : lines) {
      cells.computeIfAbsent(result.cell(), cell -> new ArrayList<>()).add(result);
    }
    cells.forEach(
        (cell, results) -> {
          if (results.size() == rows) {
            done.add(cell);
            all.addAll(results);
          }
        });
    if (all.size() < lines.size()) {
      file.replace(all.stream().map(Result::line).toList());
    }
  }

  synchronized boolean has(String cell) {
    return done.contains(cell);
  }

  /** Keeps a whole cell. */
  synchronized void add(List<Result> cell) {
    file.append(cell.stream().map(Result::line).toList());
    done.add(cell.get(0).cell());
    all.addAll(cell);
  }

  synchronized List<Result> all() {
    return List.copyOf(all);
  }
}
