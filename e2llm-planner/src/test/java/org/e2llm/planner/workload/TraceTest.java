package org.e2llm.planner.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TraceTest {
  private static final String HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

  @Test
  void readsTheAzureConversations() {
    Trace trace = Trace.read(Shared.require("data/azure-traces/AzureLLMInferenceTrace_conv.csv"));
    assertThat(trace.size()).isEqualTo(19366);
    assertThat(trace.clipped()).isEqualTo(1);
    assertThat(trace.prompt(0)).isEqualTo(374);
    assertThat(trace.output(0)).isEqualTo(44);
    assertThat(trace.seconds(1) - trace.seconds(0)).isBetween(4.3145, 4.3146);
    assertThat(mean(trace, true)).isBetween(1154.0, 1155.0);
    assertThat(mean(trace, false)).isBetween(211.0, 212.0);
  }

  @Test
  void readsTheAzureCompletionsAndTheirBursts() {
    Trace trace = Trace.read(Shared.require("data/azure-traces/AzureLLMInferenceTrace_code.csv"));
    assertThat(trace.size()).isEqualTo(8819);
    assertThat(trace.clipped()).isZero();
    assertThat(mean(trace, true)).isBetween(2047.0, 2048.0);
    Requests requests = Requests.replay(trace, trace.size(), 3, 1);
    assertThat(variation(requests)).isBetween(12.0, 14.0);
    assertThat((requests.size() - 1) / requests.arrival(requests.size() - 1))
        .isBetween(2.999, 3.001);
  }

  @Test
  void timesMayBeNumbersOfSeconds() throws IOException {
    Trace trace = parse("0.5,10,1\n0.5,20,2\n\n7,9000,3\n");
    assertThat(trace.size()).isEqualTo(3);
    assertThat(trace.seconds(2)).isEqualTo(7);
    assertThat(trace.prompt(2)).isEqualTo(8192);
    assertThat(trace.clipped()).isEqualTo(1);
  }

  @Test
  void malformedRowsAreNamedByLineAndField() {
    assertMalformed(() -> parse("0,10,1\n1,ten,1\n"), "line 3", "ContextTokens", "\"ten\"");
    assertMalformed(() -> parse("0,10,0\n"), "line 2", "GeneratedTokens", "at least 1");
    assertMalformed(() -> parse("0,-5,1\n"), "line 2", "ContextTokens", "-5");
    assertMalformed(() -> parse("0,99999999999,1\n"), "line 2", "ContextTokens");
    assertMalformed(() -> parse("5,10,1\n4,10,1\n"), "line 3", "TIMESTAMP", "not before");
    assertMalformed(() -> parse("NaN,10,1\n"), "line 2", "TIMESTAMP", "NaN");
    assertMalformed(() -> parse("1e300,10,1\n"), "line 2", "TIMESTAMP");
    assertMalformed(() -> parse("2023-11-16 25:00:00,10,1\n"), "line 2", "TIMESTAMP");
    assertMalformed(() -> parse("0,10\n"), "line 2", "2 fields", "TIMESTAMP,ContextTokens");
    assertMalformed(() -> parse("0,10,1,7\n"), "line 2", "4 fields");
  }

  @Test
  void headerAndAtLeastOneRowAreNeeded() {
    assertMalformed(() -> Trace.read("t.csv", new StringReader("")), "line 1", "TIMESTAMP");
    assertMalformed(() -> Trace.read("t.csv", new StringReader("a,b\n1,2\n")), "\"a,b\"");
    assertMalformed(() -> parse(""), "no request");
    assertMalformed(() -> parse("\n \n"), "no request");
  }

  @Test
  void aFileThatIsNoTextIsRefused(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("t.csv");
    Files.write(file, new byte[] {'T', (byte) 0xC3, (byte) 0x28, 0});
    assertMalformed(() -> Trace.read(file), "UTF-8");
    Files.writeString(file, "\uFEFF" + HEADER + "1,2,3\r\n");
    assertThat(Trace.read(file).output(0)).isEqualTo(3);
  }

  private static Trace parse(String rows) throws IOException {
    return Trace.read("t.csv", new StringReader(HEADER + rows));
  }

  private static void assertMalformed(ThrowingCallable reading, String... parts) {
    assertThatThrownBy(reading)
        .isInstanceOf(TraceFormatException.class)
        .hasMessageContainingAll(parts);
  }

  private static double mean(Trace trace, boolean prompt) {
    double sum = 0;
    for (int i = 0; i < trace.size(); i++) {
      sum += prompt ? trace.prompt(i) : trace.output(i);
    }
    return sum / trace.size();
  }

  /** Standard deviation of the gaps over their mean. */
  private static double variation(Requests requests) {
    int gaps = requests.size() - 1;
    double mean = requests.arrival(gaps) / gaps;
    double squares = 0;
    for (int i = 1; i <= gaps; i++) {
      double gap = requests.arrival(i) - requests.arrival(i - 1) - mean;
      squares += gap * gap;
    }
    return Math.sqrt(squares / gaps) / mean;
  }
}
