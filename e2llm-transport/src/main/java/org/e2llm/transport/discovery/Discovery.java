package org.e2llm.transport.discovery;

import java.util.List;

/**
 * Announces this peer on the LAN and looks for others, until closed. {@link JmdnsDiscovery} is the
 * one for desktops and servers; an Android app may bring one made of {@code NsdManager}, see {@link
 * Discoveries}.
 *
 * <p>An implementation announces a service of type {@code _e2llm._tcp} in {@code local.} under a
 * random instance name that begins with 16 hex digits, drawn anew with every start, and one TXT
 * attribute: {@code t}, the tag. The 16 digits are how the same peer is recognised on several
 * interfaces.
 */
public interface Discovery extends AutoCloseable {
  /** As DNS-SD writes it (RFC 6763); {@code NsdManager} takes it without the domain. */
  String SERVICE_TYPE = "_e2llm._tcp.local.";

  /** The TXT attribute that holds the tag. */
  String TAG_ATTRIBUTE = "t";

  /**
   * Begins, once. Returns at once and never fails for what the network lacks: {@link #interfaces}
   * tells.
   *
   * @param listener called on threads of the discovery, one call at a time
   */
  void start(Advertisement advertisement, DiscoveryListener listener);

  /** The interfaces of this host as seen last, which are used, and why others are not. */
  List<InterfaceReport> interfaces();

  /** Takes the announcement back, in the background. No event comes after it; idempotent. */
  @Override
  void close();

  /**
   * Waits after {@link #close} until the announcement has been taken back and all sockets are
   * closed: some seconds. For apps that end their JVM next; without it others notice by themselves.
   *
   * @return whether all is done
   */
  boolean awaitClosed(long millis) throws InterruptedException;
}
