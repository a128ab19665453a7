package org.e2llm.samples.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.samples.Golden;
import org.e2llm.samples.Run;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

/** The page that {@code plan --report} writes. */
class ReportTest {
  private static final String HOSTILE = "</script><script>alert(1)</script> & \"b\" {{data}}";

  @TempDir private static Path folder;
  private static String page = "";
  private static Document document = parsed("<none/>");

  @BeforeAll
  static void write() throws IOException {
    Path report = folder.resolve("plan.html");
    DeviceProfile a = PlanRuns.device("a", 12 * PlanRuns.GB);
    DeviceProfile named =
        new DeviceProfile("b", HOSTILE, 5e12, 5e12, 75e9, 1e-3, 12 * PlanRuns.GB, true, a.nic());
    Path fleet = PlanRuns.write(folder, Fleet.of("two", List.of(a, named)));
    Run run = PlanRuns.run(fleet, "--strategy", "adaptive,e2llm", "--report", report.toString());
    assertThat(run.text()).contains("adaptive: router", "| e2llm");
    assertThat(run.errLines()).containsExactly("report: " + report);
    page = Files.readString(report);
    document = parsed(page);
  }

  @Test
  void needsNoNetwork() {
    assertThat(page)
        .doesNotContain("http:", "https:", "url(", "@import", "src=", "href=", "fetch(");
  }

  @Test
  void isWellFormed() {
    assertThat(document.getDocumentElement().getTagName()).isEqualTo("html");
    assertThat(document.getElementsByTagName("title").item(0).getTextContent())
        .isEqualTo("Llama-3-8B on two");
    assertThat(page).doesNotContain("{{title}}", "{{style}}", "{{script}}");
  }

  @Test
  void namesOfDevicesAreNeverMarkup() {
    assertThat(document.getElementsByTagName("script").getLength()).isEqualTo(2);
    List<?> devices = (List<?>) data().get("devices");

    assertThat(Golden.object(devices.get(1))).containsEntry("name", HOSTILE);
  }

  @Test
  void scriptFindsEveryElementThatItFills() {
    String script = document.getElementsByTagName("script").item(1).getTextContent();
    List<String> ids =
        java.util.regex.Pattern.compile("byId\\(\"([a-z-]+)\"\\)")
            .matcher(script)
            .results()
            .map(match -> match.group(1))
            .toList();

    assertThat(ids).hasSizeGreaterThan(10);
    for (String id : ids) {
      assertThat(page).contains("id=\"" + id + "\"");
    }
  }

  @Test
  void dataHasPlansLinksAndEveryLoadOfTheSweep() {
    for (Object each : (List<?>) data().get("strategies")) {
      Map<String, Object> strategy = Golden.object(each);
      List<?> replicas = (List<?>) Golden.object(strategy.get("plan")).get("replicas");

      assertThat((List<?>) strategy.get("chains")).hasSameSizeAs(replicas);
      assertThat((List<?>) strategy.get("sweep"))
          .extracting(point -> Golden.object(point).get("load"))
          .containsExactlyElementsOf(Comparison.SWEEP);
      assertThat(strategy.keySet())
          .contains("name", "router", "metrics", "goodput", "throughput", "policy", "handoffs");
    }
  }

  private static Map<String, Object> data() {
    return Golden.object(
        Golden.parse(document.getElementsByTagName("script").item(0).getTextContent()));
  }

  private static Document parsed(String xml) {
    try {
      return DocumentBuilderFactory.newInstance()
          .newDocumentBuilder()
          .parse(new InputSource(new StringReader(xml)));
    } catch (Exception e) {
      throw new AssertionError("not well-formed: " + e.getMessage(), e);
    }
  }
}
