package org.e2llm.transport.discovery;

import java.util.Iterator;
import java.util.ServiceLoader;

/** Which discovery this device uses. */
public final class Discoveries {
  private Discoveries() {}

  /**
   * The one that the app brings, named in {@code META-INF/services} after {@link Discovery}; else
   * jmDNS. Not started.
   */
  public static Discovery choose() {
    // In this very form, so that R8 replaces it by a direct call in Android apps.
    Iterator<Discovery> brought =
        ServiceLoader.load(Discovery.class, Discovery.class.getClassLoader()).iterator();
    return brought.hasNext() ? brought.next() : new JmdnsDiscovery();
  }
}
