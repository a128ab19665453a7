package org.e2llm.transport.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An app's own discovery, such as one made of Android's NsdManager, takes the place of jmDNS. */
class DiscoveriesTest {
  @Test
  void jmdnsIsUsedUnlessTheAppBringsAnother() {
    assertThat(Discoveries.choose()).isInstanceOf(JmdnsDiscovery.class);
  }

  @Test
  void whatTheAppBringsIsUsed(@TempDir Path app) throws Exception {
    Path services = Files.createDirectories(app.resolve("META-INF/services"));
    Files.writeString(services.resolve(Discovery.class.getName()), Brought.class.getName());
    List<URL> path = new ArrayList<>(List.of(app.toUri().toURL()));
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    for (String entry : classPath.split(File.pathSeparator)) {
      path.add(Path.of(entry).toUri().toURL());
    }
    ClassLoader platform = ClassLoader.getPlatformClassLoader();
    try (URLClassLoader other = new URLClassLoader(path.toArray(new URL[0]), platform)) {
      Object chosen = other.loadClass(Discoveries.class.getName()).getMethod("choose").invoke(null);
      assertThat(chosen.getClass().getName()).isEqualTo(Brought.class.getName());
    }
  }

  /** Finds nobody. */
  public static final class Brought implements Discovery {
    @Override
    public void start(Advertisement advertisement, DiscoveryListener listener) {}

    @Override
    public List<InterfaceReport> interfaces() {
      return List.of();
    }

    @Override
    public void close() {}

    @Override
    public boolean awaitClosed(long millis) {
      return true;
    }
  }
}
