package org.e2llm.samples.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.e2llm.plan.Workload;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WorkloadOptionTest {
  private static final List<Workload.Lengths> LENGTHS = List.of(new Workload.Lengths(2000, 100));

  @Test
  void lengthsAndHowMuchOfThem() {
    assertThat(WorkloadOption.parse("prompt=2000,answer=100,rate=0.5"))
        .isEqualTo(new Workload(LENGTHS, 0.5, 0, 1024));
    assertThat(WorkloadOption.parse("answer=100, prompt=2000, at-once=8"))
        .isEqualTo(new Workload(LENGTHS, 0, 8, 1024));
    assertThat(WorkloadOption.parse("prompt=2000,answer=100"))
        .isEqualTo(new Workload(LENGTHS, 0, 1, 1024));
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "much | 'much' is not prompt=N",
        "prompt=10 | answer=N are needed",
        "prompt=0,answer=1 | prompt='0' is no whole number",
        "prompt=10,answer=1,rate=-1 | rate='-1' is no number",
        "prompt=10,answer=1,rate=often | rate='often'",
        "prompt=10,answer=1,at-once=1e9 | at-once='1e9'"
      })
  void saysWhatIsWrong(String text, String what) {
    assertThatThrownBy(() -> WorkloadOption.parse(text))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("--workload " + text)
        .hasMessageContaining(what);
  }
}
