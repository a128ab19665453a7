package org.e2llm.samples.study;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.e2llm.plan.Slo;
import org.jspecify.annotations.Nullable;

/** The references of settings, kept in a file: measured once, used by every later run. */
public final class References {
  private static final String HEADER = "fleet,model,workload,lambda1,slo_ttft,slo_tpot";

  private final CsvFile file;
  private final Map<Setting, Reference> known = new ConcurrentHashMap<>();

  /** Reads what is there. */
  public References(Path path) {
    file = new CsvFile(path, HEADER);
    file.read(References::parse).forEach(entry -> known.put(entry.getKey(), entry.getValue()));
  }

  private static Map.Entry<Setting, Reference> parse(List<String> row) {
    return Map.entry(
        new Setting(row.get(0), row.get(1), row.get(2)),
        new Reference(
            Double.parseDouble(row.get(3)),
            new Slo(Double.parseDouble(row.get(4)), Double.parseDouble(row.get(5)))));
  }

  /** What is known of a setting, or null. */
  public @Nullable Reference get(Setting setting) {
    return known.get(setting);
  }

  /** Keeps it; it has no more digits than the file. */
  void put(Setting setting, Reference measured) {
    known.put(setting, measured);
    file.append(
        List.of(
            String.join(
                ",",
                setting.fleet(),
                setting.model(),
                setting.workload(),
                text(measured.rate()),
                text(measured.slo().ttftSeconds()),
                text(measured.slo().tpotSeconds()))));
  }

  private static String text(double value) {
    return String.format(Locale.ROOT, "%.6g", value);
  }
}
