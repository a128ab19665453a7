package org.e2llm.samples.plan;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * A comparison as one HTML page that needs no network: the template with style, script and data put
 * in. The script draws what the data says ({@code report.js} beside this class).
 *
 * <p>Well-formed as XML too, so that other tools can read it.
 */
final class Report {
  private static final String[] SCRIPTS = {"report.js", "drawing.js", "plots.js", "tables.js"};

  private Report() {}

  /**
   * Writes the page; a file that was there is replaced when the page is complete.
   *
   * @param command that makes the page again
   */
  static void write(Path file, Comparison comparison, String command) throws IOException {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    try {
      Files.writeString(part, page(comparison, command), StandardCharsets.UTF_8);
      Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  static String page(Comparison comparison, String command) {
    StringBuilder script = new StringBuilder();
    for (String name : SCRIPTS) {
      script.append(resource(name)).append('\n');
    }
    String title = comparison.cell().model().name() + " on " + comparison.cell().fleet().name();
    return resource("report.html")
        .replace("{{title}}", escaped(title))
        .replace("{{style}}", resource("report.css"))
        .replace("{{script}}", script)
        .replace("{{data}}", inScript(ReportData.of(comparison, command)));
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }

  /** JSON that neither ends a script element nor is taken for markup. */
  private static String inScript(String json) {
    return json.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e");
  }

  private static String resource(String name) {
    try (InputStream in = Report.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the program lacks its file " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
