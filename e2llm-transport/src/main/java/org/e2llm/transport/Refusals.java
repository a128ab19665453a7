package org.e2llm.transport;

import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.cluster.ClusterEvent;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ClusterMismatchException;
import org.e2llm.cluster.IncompatibleVersionException;
import org.e2llm.cluster.WrongSecretException;

/**
 * Tells the app that a peer was not let in, or did not let this device in, once per peer and cause:
 * both sides try again and again. Thread-safe.
 */
final class Refusals implements PeerConnections.Refused {
  private static final Logger LOG = Logger.getLogger(Refusals.class.getName());

  /** Somebody who makes up causes must not fill the memory. */
  private static final int MOST = 256;

  private final Consumer<ClusterEvent> events;
  private final Set<String> told = new HashSet<>();

  Refusals(Consumer<ClusterEvent> events) {
    this.events = events;
  }

  @Override
  public void refused(String peer, ClusterException why) {
    LOG.log(Level.FINE, "not joined with " + peer, why);
    boolean needsSomebody =
        why instanceof ClusterMismatchException
            || why instanceof WrongSecretException
            || why instanceof IncompatibleVersionException;
    if (needsSomebody && isNew(peer + " " + why.getMessage())) {
      events.accept(new ClusterEvent.Refused(peer, why));
    }
  }

  private synchronized boolean isNew(String fact) {
    return told.size() < MOST && told.add(fact);
  }
}
