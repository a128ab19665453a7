package org.e2llm.samples;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The arrows between the modules, and what the library may not do.
 *
 * <p>Reads the class files of the modules themselves, so that those for JDK 25 under {@code
 * META-INF/versions} are included.
 */
class ArchitectureTest {
  private static final String KERNELS = "org.e2llm.kernels..";
  private static final String PLANNER = "org.e2llm.planner..";
  private static final String TRANSPORT = "org.e2llm.transport..";
  private static final String SAMPLES = "org.e2llm.samples..";
  private static final JavaClasses API = classesOf("e2llm-api");
  private static final JavaClasses ENGINE = classesOf("e2llm-kernels");
  private static final JavaClasses PLANS = classesOf("e2llm-planner");
  private static final JavaClasses LAN = classesOf("e2llm-transport");

  @Test
  void apiKnowsNoOtherModule() {
    check(
        API,
        noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(KERNELS, PLANNER, TRANSPORT, SAMPLES));
  }

  @Test
  void kernelsKnowOnlyTheApi() {
    check(
        ENGINE,
        noClasses().should().dependOnClassesThat().resideInAnyPackage(PLANNER, TRANSPORT, SAMPLES));
  }

  @Test
  void plannerKnowsOnlyTheApi() {
    check(
        PLANS,
        noClasses().should().dependOnClassesThat().resideInAnyPackage(KERNELS, TRANSPORT, SAMPLES));
    check(PLANS, onlyJdkAndOurs());
  }

  @Test
  void transportKnowsOnlyTheApi() {
    check(
        LAN,
        noClasses().should().dependOnClassesThat().resideInAnyPackage(KERNELS, PLANNER, SAMPLES));
    check(
        LAN,
        onlyJdkAndOurs(
            "javax.net.ssl..",
            "javax.crypto..",
            "javax.jmdns..",
            "org.slf4j..",
            "com.fasterxml.jackson.core.."));
  }

  @Test
  void whatDecidesInAClusterHasNoClockThreadsOrSockets() {
    check(
        LAN,
        noClasses()
            .that()
            .resideInAPackage("org.e2llm.transport.cluster..")
            .should()
            .callMethod(System.class, "nanoTime")
            .orShould()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(Thread.class)
            .orShould()
            .dependOnClassesThat()
            .resideInAnyPackage("java.nio.channels..", "javax.net.."));
  }

  @Test
  void searchesKnowNoSimulator() {
    check(
        PLANS,
        noClasses()
            .that()
            .resideInAnyPackage(
                "org.e2llm.planner.cost..",
                "org.e2llm.planner.partition..",
                "org.e2llm.planner.grouping..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.e2llm.planner.simulator..", "org.e2llm.planner.strategy.."));
  }

  @Test
  void apiStaysOutOfPackagesOfOtherModules() {
    check(API, noClasses().should().resideInAnyPackage(KERNELS, PLANNER, TRANSPORT, SAMPLES));
  }

  @Test
  void modulesStayInTheirOwnPackages() {
    check(ENGINE, noClasses().should().resideOutsideOfPackage(KERNELS));
    check(PLANS, noClasses().should().resideOutsideOfPackage(PLANNER));
    check(LAN, noClasses().should().resideOutsideOfPackage(TRANSPORT));
  }

  @Test
  void apiDependsOnTheJdkAndJSpecifyOnlyAndJacksonForPlans() {
    check(API, onlyJdkAndOurs("com.fasterxml.jackson.core..", "javax.crypto.."));
    check(
        API,
        noClasses()
            .that()
            .resideOutsideOfPackage("org.e2llm.plan..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("com.fasterxml.."));
  }

  @Test
  void onlyTheSecretOfAClusterNeedsCryptography() {
    check(
        API,
        noClasses()
            .that()
            .resideOutsideOfPackage("org.e2llm.cluster..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("javax.crypto.."));
  }

  @Test
  void libraryNeverPrints() {
    for (String stream : List.of("out", "err")) {
      ArchRule rule = noClasses().should().accessField(System.class, stream);
      check(API, rule);
      check(ENGINE, rule);
      check(PLANS, rule);
      check(LAN, rule);
    }
    ArchRule stackTraces = noClasses().should().callMethod(Throwable.class, "printStackTrace");
    check(API, stackTraces);
    check(ENGINE, stackTraces);
    check(PLANS, stackTraces);
    check(LAN, stackTraces);
  }

  @Test
  void libraryNeverExits() {
    ArchRule rule =
        noClasses()
            .should()
            .callMethod(System.class, "exit", int.class)
            .orShould()
            .callMethod(Runtime.class, "exit", int.class)
            .orShould()
            .callMethod(Runtime.class, "halt", int.class);
    check(API, rule);
    check(ENGINE, rule);
    check(PLANS, rule);
    check(LAN, rule);
  }

  @Test
  void plannerHasNoClockAndNoThreads() {
    ArchRule clock =
        noClasses()
            .should()
            .callMethod(System.class, "nanoTime")
            .orShould()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(Thread.class);
    check(PLANS, clock);
  }

  @Test
  void packagesOfTheKernelsHaveNoCycles() {
    check(ENGINE, slices().matching("org.e2llm.kernels.(*)..").should().beFreeOfCycles());
  }

  @Test
  void packagesOfThePlannerHaveNoCycles() {
    check(PLANS, slices().matching("org.e2llm.planner.(*)..").should().beFreeOfCycles());
  }

  @Test
  void packagesOfTheTransportHaveNoCycles() {
    check(LAN, slices().matching("org.e2llm.transport.(*)..").should().beFreeOfCycles());
  }

  @Test
  void packagesOfTheApiHaveNoCycles() {
    check(API, slices().matching("org.e2llm.(*)..").should().beFreeOfCycles());
  }

  private static ArchRule onlyJdkAndOurs(String... others) {
    return noClasses()
        .should()
        .dependOnClassesThat(
            not(
                resideInAnyPackage("java..", "org.jspecify..", "org.e2llm..")
                    .or(resideInAnyPackage(others))
                    .or(resideInAPackage(""))));
  }

  private static void check(JavaClasses classes, ArchRule rule) {
    rule.allowEmptyShould(true).check(classes);
  }

  private static JavaClasses classesOf(String module) {
    Path classes = repository().resolve(module).resolve("target/classes");
    return new ClassFileImporter().importPath(classes);
  }

  private static Path repository() {
    return Stream.iterate(Path.of("").toAbsolutePath(), Path::getParent)
        .takeWhile(folder -> folder != null)
        .filter(folder -> Files.exists(folder.resolve("mvnw")))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("the tests run outside the repository"));
  }
}
