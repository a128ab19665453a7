package org.e2llm.kernels.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;

class KernelsLookupTest {
  /** Says what a JVM chose. */
  static final class Report {
    public static void main(String[] args) {
      System.out.println(KernelsLookup.kernels().name() + " because " + KernelsLookup.reasons());
    }
  }

  @Test
  void takesVectorsOfTheMachinesWidthAndExplainsOnlyWhyThereIsNoMachineCode() {
    KernelsLookup.Choice choice = KernelsLookup.choose(null);
    assertThat(choice.kernels().name()).startsWith("vector");
    if (choice.kernels().name().endsWith("+native")) {
      assertThat(choice.reasons()).isEmpty();
    } else {
      assertThat(choice.reasons()).singleElement().asString().startsWith("machine code");
    }
  }

  @Test
  void doesWithoutMachineCodeWhereNativeAccessIsNotGivenAndNamesTheFlag() throws Exception {
    assertThat(ChildJvm.run(ChildJvm.VECTORS, Report.class))
        .contains(" because [machine code ")
        .doesNotContain("+native")
        .doesNotContain("restricted method")
        .endsWith("exit 0");
  }

  @Test
  void takesScalarKernelsIfAskedToAndSaysSo() {
    KernelsLookup.Choice choice = KernelsLookup.choose("scalar");
    assertThat(choice.kernels()).isInstanceOf(ScalarKernels.class);
    assertThat(choice.reasons()).singleElement().asString().contains("e2llm.kernels=scalar");
    assertThat(choice.level()).isEqualTo(Level.CONFIG);
  }

  @Test
  void refusesAnUnknownTierAndListsTheKnownOnes() {
    assertThatThrownBy(() -> KernelsLookup.choose("avx"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "system property e2llm.kernels: found 'avx', expected one of"
                + " [scalar, vector128, vector256, vector512, native]");
  }

  @Test
  void namesTheFlagThatIsMissingAndWarnsOnce() throws Exception {
    assertThat(ChildJvm.run(List.of(), Report.class))
        .contains("scalar because [the module jdk.incubator.vector is not loaded")
        .contains("add --add-modules jdk.incubator.vector")
        .containsOnlyOnce("WARNING:")
        .endsWith("exit 0");
  }

  @Test
  void saysSoWhereTheJvmOnlyInterprets() throws Exception {
    assertThat(
            ChildJvm.run(List.of("--add-modules", "jdk.incubator.vector", "-Xint"), Report.class))
        .contains("scalar because [this JVM only interprets; remove -Xint, ");
  }

  @Test
  void listsAllThatIsMissing() throws Exception {
    List<String> flags =
        List.of("--add-modules", "jdk.incubator.vector", "-XX:-UseFMA", "-XX:TieredStopAtLevel=1");
    assertThat(ChildJvm.run(flags, Report.class))
        .contains("scalar because [this JVM does not compile the Vector API;")
        .contains("; the CPU has no fused multiply-add (or -XX:-UseFMA is set)");
  }

  @Test
  void failsClearlyIfAForcedTierCannotRun() throws Exception {
    assertThat(ChildJvm.run(List.of("-De2llm.kernels=vector256"), Report.class))
        .contains("system property e2llm.kernels=vector256 cannot be honoured: the module")
        .endsWith("exit 1");
  }
}
