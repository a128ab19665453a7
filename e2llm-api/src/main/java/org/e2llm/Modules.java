package org.e2llm;

import java.util.Iterator;
import java.util.ServiceLoader;
import org.e2llm.spi.EngineProvider;
import org.e2llm.spi.PlannerProvider;
import org.e2llm.spi.TransportProvider;

/** Finds the other modules, or says which artifact is missing. */
final class Modules {
  private Modules() {}

  // In this very form, each of them, so that R8 replaces it by a direct call in Android apps.

  static EngineProvider engine() {
    Iterator<EngineProvider> found =
        ServiceLoader.load(EngineProvider.class, EngineProvider.class.getClassLoader()).iterator();
    return first(found, "no engine on the class path: add the artifact org.e2llm:e2llm-kernels");
  }

  static PlannerProvider planner() {
    Iterator<PlannerProvider> found =
        ServiceLoader.load(PlannerProvider.class, PlannerProvider.class.getClassLoader())
            .iterator();
    return first(
        found,
        "a cluster needs a planner, and none is on the class path: add the artifact"
            + " org.e2llm:e2llm-planner");
  }

  static TransportProvider transport() {
    Iterator<TransportProvider> found =
        ServiceLoader.load(TransportProvider.class, TransportProvider.class.getClassLoader())
            .iterator();
    return first(
        found,
        "a cluster needs a transport, and none is on the class path: add the artifact"
            + " org.e2llm:e2llm-transport");
  }

  private static <T> T first(Iterator<T> found, String missing) {
    if (!found.hasNext()) {
      throw new MissingModuleException(missing);
    }
    return found.next();
  }
}
