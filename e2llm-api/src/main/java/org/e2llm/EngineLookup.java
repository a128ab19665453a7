package org.e2llm;

import java.util.Iterator;
import java.util.ServiceLoader;
import org.e2llm.spi.EngineProvider;

/** Finds the engine. */
final class EngineLookup {
  private EngineLookup() {}

  static EngineProvider provider() {
    // In this very form, so that R8 replaces it by a direct call in Android apps.
    Iterator<EngineProvider> providers =
        ServiceLoader.load(EngineProvider.class, EngineProvider.class.getClassLoader()).iterator();
    if (!providers.hasNext()) {
      throw new MissingModuleException(
          "no engine on the class path: add the artifact org.e2llm:e2llm-kernels");
    }
    return providers.next();
  }
}
