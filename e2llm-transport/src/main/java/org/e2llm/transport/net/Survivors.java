package org.e2llm.transport.net;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One connection per peer and lane survives, and both sides find the same one without asking:
 *
 * <ol>
 *   <li>one with an instance of the peer that was not known before: the peer was started anew and
 *       the other connection is dead, whether or not TCP knows;
 *   <li>otherwise the one that the peer with the smaller id has dialled;
 *   <li>otherwise, both were dialled by the same, the one it dialled later.
 * </ol>
 *
 * Net thread only.
 */
final class Survivors {
  /** What the rule looks at. */
  interface Contender {
    String peer();

    Lane lane();

    boolean dialled();

    /** Of the other side. */
    long instance();

    long dial();
  }

  private final String self;
  private final Map<String, Contender> open = new HashMap<>();

  Survivors(String self) {
    this.self = self;
  }

  /** The open connection of the same pair and lane, or null. */
  @Nullable Contender rival(Contender newcomer) {
    return open.get(key(newcomer));
  }

  boolean survives(Contender newcomer, Contender rival) {
    if (newcomer.instance() != rival.instance()) {
      return true;
    }
    if (newcomer.dialled() != rival.dialled()) {
      return newcomer.dialled() == self.compareTo(newcomer.peer()) < 0;
    }
    return newcomer.dial() > rival.dial();
  }

  void put(Contender connection) {
    open.put(key(connection), connection);
  }

  /** Only if it is the one. */
  void remove(Contender connection) {
    open.remove(key(connection), connection);
  }

  private static String key(Contender connection) {
    return connection.lane() + connection.peer();
  }
}
