package org.e2llm.samples.cluster;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.Json;
import org.e2llm.samples.console.UsageException;
import org.e2llm.transport.doctor.Doctor;
import org.e2llm.transport.doctor.Finding;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Says why peers do not find or reach each other. */
@Command(
    name = "doctor",
    description = "Says why peers do not find or reach each other, and what to do.",
    sortOptions = false,
    footer = {
      "",
      "Looks at this device's interfaces, whether it can listen, what discovery hears in five seconds,",
      "and at each peer that was found or named: whether it is reached, lets us in, reaches us, and how",
      "fast the link is. Runs beside a peer on the same device; members take no notice of it.",
      "Ends with 0, or with 1 if something needs mending.",
      "",
      "Examples:",
      "  samples/run doctor --cluster kitchen --secret-file kitchen.secret",
      "  samples/run doctor --secret-file s --no-discovery --join 192.168.1.20:7600"
    })
public final class DoctorCommand implements Callable<Integer> {
  private static final Map<Finding.Verdict, String> MARKS =
      Map.of(Finding.Verdict.GOOD, "ok", Finding.Verdict.NOTE, "note", Finding.Verdict.BAD, "MEND");
  private static final int WIDTH = 100;
  private static final int INDENT = 7;

  private final Console console;
  private Finding.@Nullable Area area;

  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(names = "--json", description = "Print an array with an object per finding.")
  private boolean json;

  public DoctorCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws InterruptedException {
    if (!cluster.isGiven()) {
      throw new UsageException("which cluster? give --secret-file FILE, and --join HOST:PORT");
    }
    List<Finding> findings =
        Doctor.examine(
            cluster.cluster(),
            finding -> {
              if (!json) {
                print(finding);
              }
            });
    long bad = findings.stream().filter(each -> each.verdict() == Finding.Verdict.BAD).count();
    if (json) {
      console.println(json(findings));
    } else {
      console.println(
          bad == 0
              ? "Nothing needs mending."
              : bad
                  + (bad == 1 ? " finding needs" : " findings need")
                  + " mending: see MEND above.");
    }
    return bad == 0 ? 0 : 1;
  }

  private void print(Finding finding) {
    if (finding.area() != area) {
      area = finding.area();
      console.println(finding.area().name().toLowerCase(Locale.ROOT));
    }
    String line = finding.subject() + ": " + finding.text();
    String mark = String.format("  %-5s", MARKS.get(finding.verdict()));
    for (String part : wrapped(line)) {
      console.println(mark + part);
      mark = " ".repeat(INDENT);
    }
  }

  private static List<String> wrapped(String text) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder();
    for (String word : text.split(" ", -1)) {
      if (line.length() > 0 && line.length() + 1 + word.length() > WIDTH - INDENT) {
        lines.add(line.toString());
        line.setLength(0);
      }
      line.append(line.length() == 0 ? "" : " ").append(word);
    }
    lines.add(line.toString());
    return lines;
  }

  private static String json(List<Finding> findings) {
    List<Map<String, Object>> objects = new ArrayList<>();
    for (Finding finding : findings) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("area", finding.area().name().toLowerCase(Locale.ROOT));
      fields.put("subject", finding.subject());
      fields.put("verdict", finding.verdict().name().toLowerCase(Locale.ROOT));
      fields.put("text", finding.text());
      fields.putAll(finding.figures());
      objects.add(fields);
    }
    return Json.array(objects);
  }
}
