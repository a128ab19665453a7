package org.e2llm.transport.discovery;

import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Timer;
import javax.jmdns.impl.DNSIncoming;
import javax.jmdns.impl.DNSTaskStarter;
import javax.jmdns.impl.JmDNSImpl;
import javax.jmdns.impl.ServiceInfoImpl;
import javax.jmdns.impl.tasks.RecordReaper;
import javax.jmdns.impl.tasks.Responder;
import javax.jmdns.impl.tasks.resolver.ServiceInfoResolver;
import javax.jmdns.impl.tasks.resolver.ServiceResolver;
import javax.jmdns.impl.tasks.resolver.TypeResolver;
import javax.jmdns.impl.tasks.state.Announcer;
import javax.jmdns.impl.tasks.state.Canceler;
import javax.jmdns.impl.tasks.state.Prober;
import javax.jmdns.impl.tasks.state.Renewer;
import org.slf4j.LoggerFactory;

/**
 * Opens jmDNS so that it keeps no JVM alive, prints nothing and tells nobody this host's name.
 *
 * <p>Left to itself, 3.6.5 runs its state machine on a timer thread that is no daemon; the hook for
 * other task starters, which exists for such changes, replaces it. Its listeners run on an executor
 * of threads that are no daemons either, which starts with the first event: we use none and read
 * the cache instead. SLF4J without a backend says so on standard error, once; that is muted while
 * it starts, unless the app has set SLF4J's verbosity itself.
 */
final class QuietJmdns {
  private static final String VERBOSITY = "slf4j.internal.verbosity";
  private static boolean loggingStarted;

  private QuietJmdns() {}

  /**
   * @param name stands for the host on the LAN; unique there
   * @throws IOException if the multicast socket cannot be opened
   */
  static synchronized JmDNSImpl open(InetAddress address, String name) throws IOException {
    startLogging();
    DNSTaskStarter.Factory.ClassDelegate before = DNSTaskStarter.Factory.classDelegate();
    DNSTaskStarter.Factory.setClassDelegate(DaemonTasks::new);
    try {
      return new JmDNSImpl(named(address, name), name);
    } finally {
      DNSTaskStarter.Factory.setClassDelegate(before);
    }
  }

  private static void startLogging() {
    if (loggingStarted) {
      return;
    }
    loggingStarted = true;
    boolean mute = System.getProperty(VERBOSITY) == null;
    if (mute) {
      System.setProperty(VERBOSITY, "ERROR");
    }
    try {
      LoggerFactory.getILoggerFactory();
    } finally {
      if (mute) {
        System.clearProperty(VERBOSITY);
      }
    }
  }

  /** With a host name of its own, so that jmDNS does not ask the DNS for it. */
  private static InetAddress named(InetAddress address, String name) throws IOException {
    if (address instanceof Inet6Address) {
      int scope = ((Inet6Address) address).getScopeId();
      return Inet6Address.getByAddress(name, address.getAddress(), scope);
    }
    return InetAddress.getByAddress(name, address.getAddress());
  }

  /** jmDNS's own starter, on daemon threads. */
  private static final class DaemonTasks implements DNSTaskStarter {
    private final JmDNSImpl jmdns;
    private final Timer tasks;
    private final Timer states;

    DaemonTasks(JmDNSImpl jmdns) {
      this.jmdns = jmdns;
      tasks = new Timer("e2llm-mdns-tasks", true);
      states = new Timer("e2llm-mdns-states", true);
    }

    @Override
    public void purgeTimer() {
      tasks.purge();
    }

    @Override
    public void purgeStateTimer() {
      states.purge();
    }

    @Override
    public void cancelTimer() {
      tasks.cancel();
    }

    @Override
    public void cancelStateTimer() {
      states.cancel();
    }

    @Override
    public void startProber() {
      unlessCancelled(() -> new Prober(jmdns).start(states));
    }

    @Override
    public void startAnnouncer() {
      unlessCancelled(() -> new Announcer(jmdns).start(states));
    }

    @Override
    public void startRenewer() {
      unlessCancelled(() -> new Renewer(jmdns).start(states));
    }

    @Override
    public void startCanceler() {
      unlessCancelled(() -> new Canceler(jmdns).start(states));
    }

    @Override
    public void startReaper() {
      unlessCancelled(() -> new RecordReaper(jmdns).start(tasks));
    }

    @Override
    public void startServiceInfoResolver(ServiceInfoImpl info) {
      unlessCancelled(() -> new ServiceInfoResolver(jmdns, info).start(tasks));
    }

    @Override
    public void startTypeResolver() {
      unlessCancelled(() -> new TypeResolver(jmdns).start(tasks));
    }

    @Override
    public void startServiceResolver(String type) {
      unlessCancelled(() -> new ServiceResolver(jmdns, type).start(tasks));
    }

    @Override
    public void startResponder(DNSIncoming in, InetAddress address, int port) {
      unlessCancelled(() -> new Responder(jmdns, in, address, port).start(tasks));
    }

    /** A packet may still come in while the timers are being closed. */
    private static void unlessCancelled(Runnable start) {
      try {
        start.run();
      } catch (IllegalStateException e) {
        return;
      }
    }
  }
}
