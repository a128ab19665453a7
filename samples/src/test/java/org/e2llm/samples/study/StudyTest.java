package org.e2llm.samples.study;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.e2llm.samples.Run;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code study}: what it keeps, that it goes on where it was, and what the tables say. */
class StudyTest {
  private static final String CELL = "homog8/llama3-8b-q4/long-in/0.6";

  @TempDir private Path folder;

  private Run study(String... more) {
    String[] args = new String[more.length + 7];
    List<String> fixed =
        List.of("study", "--out", folder.toString(), "--requests", "40", "--seeds", "2");
    for (int i = 0; i < args.length; i++) {
      args[i] = i < fixed.size() ? fixed.get(i) : more[i - fixed.size()];
    }
    return Run.of(args);
  }

  @Test
  void keepsWhatItMeasuredAndGoesOnFromThere() throws IOException {
    Path results = folder.resolve("results.csv");

    assertThat(study("--cells", CELL).text()).isEmpty();

    List<String> lines = Files.readAllLines(results);
    int rows = 2 * Contender.all().size();
    assertThat(lines).hasSize(1 + rows);
    assertThat(lines.get(0))
        .startsWith("fleet,model,workload,load,seed,strategy,requests,queue_mean");
    assertThat(lines.get(1)).startsWith("homog8,llama3-8b-q4,long-in,0.6,1,e2llm,40,");
    assertThat(Files.readAllLines(folder.resolve("lambda1.csv"))).hasSize(2);

    assertThat(study("--cells", CELL).lastErrLine()).startsWith("0 cells measured");
    assertThat(Files.readAllLines(results)).isEqualTo(lines);

    // As if the process had died while it wrote the last line: the cell is measured again.
    String all = Files.readString(results);
    Files.writeString(results, all.substring(0, all.length() - 5));
    assertThat(study("--cells", CELL).lastErrLine()).startsWith("1 cells measured");
    assertThat(Files.readAllLines(results)).isEqualTo(lines);

    String table = study("--table").text();
    assertThat(table).contains("1 of 128 cells are there", "## " + CELL, "| adaptive+q8wire | ");
    assertThat(table.lines().filter(line -> line.startsWith("| splitwise:")))
        .hasSize(
            (int) Contender.all().stream().filter(c -> c.name().startsWith("splitwise")).count());
  }

  @Test
  void aFileOfSomethingElseIsNotTouched() throws IOException {
    Path results = folder.resolve("results.csv");
    Files.writeString(results, "a,b\n1,2\n");
    assertThat(study("--cells", CELL).errorLine()).contains("results.csv begins with \"a,b\"");
    Files.writeString(results, Result.header() + "\nx,y\n");
    assertThat(study("--cells", CELL).errorLine()).contains("line 2: 2 fields, expected");
    String words = "x,".repeat(Result.header().split(",", -1).length - 1) + "x";
    Files.writeString(results, Result.header() + "\n" + words + "\n");
    assertThat(study("--cells", CELL).errorLine()).contains("line 2 has no number");
  }

  @Test
  void filtersChooseCells() {
    CellFilter both = new CellFilter("full12/*/conv");
    assertThat(both.takes("full12/llama3-8b-q4/conv/0.3")).isTrue();
    assertThat(both.takes("full12/qwen25-32b-q4/code/0.3")).isFalse();
    assertThat(both.takes("mid10/qwen25-32b-q4/conv/0.3")).isFalse();
    assertThat(new CellFilter("*/*/*/0.9").takes("mid10/qwen25-32b-q4/conv/0.9")).isTrue();
    assertThat(new CellFilter("*").takes("mid10/qwen25-32b-q4/conv/0.9")).isTrue();
  }
}
