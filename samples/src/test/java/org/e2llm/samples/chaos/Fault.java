package org.e2llm.samples.chaos;

import static java.util.concurrent.TimeUnit.SECONDS;

import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;
import org.e2llm.samples.Until;

/** What befalls peers: how it begins, and how it ends. */
enum Fault {
  /** The process is gone at once; the system closes its connections. */
  KILL(false, false) {
    @Override
    void begin(ChaosCluster cluster, int victim) {
      cluster.process(victim).signal("KILL");
    }

    @Override
    void end(ChaosCluster cluster, int victim) {
      cluster.restart(victim);
    }
  },

  /** It leaves the cluster and ends, as an app does that is closed. */
  LEAVE(false, false) {
    @Override
    void begin(ChaosCluster cluster, int victim) {
      cluster.process(victim).signal("TERM");
    }

    @Override
    void end(ChaosCluster cluster, int victim) {
      if (!cluster.process(victim).ended(15, SECONDS)) {
        throw new AssertionError("peer " + victim + " did not end within 15 s of SIGTERM");
      }
      cluster.restart(victim);
    }
  },

  /** It stands still, its connections stay open. */
  FREEZE(false, false) {
    @Override
    void begin(ChaosCluster cluster, int victim) {
      cluster.process(victim).signal("STOP");
    }

    @Override
    void end(ChaosCluster cluster, int victim) {
      cluster.process(victim).signal("CONT");
    }
  },

  /** The same for a moment. */
  STUTTER(false, true) {
    @Override
    void begin(ChaosCluster cluster, int victim) {
      FREEZE.begin(cluster, victim);
    }

    @Override
    void end(ChaosCluster cluster, int victim) {
      FREEZE.end(cluster, victim);
    }
  },

  /** Its link is down. */
  LINK_DOWN(true, false) {
    @Override
    void begin(ChaosCluster cluster, int victim) {
      cluster.lan().link(victim, false);
    }

    @Override
    void end(ChaosCluster cluster, int victim) {
      cluster.lan().link(victim, true);
    }
  },

  /** The same for a moment. */
  LINK_FLAPS(true, true) {
    @Override
    void begin(ChaosCluster cluster, int victim) {
      LINK_DOWN.begin(cluster, victim);
    }

    @Override
    void end(ChaosCluster cluster, int victim) {
      LINK_DOWN.end(cluster, victim);
    }
  },

  /** What it sends arrives, what is sent to it does not. */
  DEAF(true, false) {
    @Override
    void begin(ChaosCluster cluster, int victim) {
      cluster.lan().deaf(victim, true);
    }

    @Override
    void end(ChaosCluster cluster, int victim) {
      cluster.lan().deaf(victim, false);
    }
  },

  /** The victims reach each other and nobody else. */
  PARTITION(true, false) {
    @Override
    void begin(ChaosCluster cluster, List<Integer> victims) {
      cluster.lan().partition(new HashSet<>(victims), true);
    }

    @Override
    void end(ChaosCluster cluster, List<Integer> victims) {
      cluster.lan().partition(new HashSet<>(victims), false);
    }
  };

  private static final int MOMENT_MILLIS = 3000;

  private final boolean needsLinks;
  private final boolean brief;

  Fault(boolean needsLinks, boolean brief) {
    this.needsLinks = needsLinks;
    this.brief = brief;
  }

  boolean needsLinks() {
    return needsLinks;
  }

  /** Befalls all victims; what is brief is over when this returns. */
  void strike(ChaosCluster cluster, List<Integer> victims, SplittableRandom random) {
    begin(cluster, victims);
    if (brief) {
      Until.pause(random.nextInt(MOMENT_MILLIS));
      end(cluster, victims);
    }
  }

  /** Mends what {@link #strike} has left, once the generations have ended. */
  void mend(ChaosCluster cluster, List<Integer> victims) {
    if (!brief) {
      end(cluster, victims);
    }
  }

  void begin(ChaosCluster cluster, List<Integer> victims) {
    victims.forEach(victim -> begin(cluster, victim));
  }

  void end(ChaosCluster cluster, List<Integer> victims) {
    victims.forEach(victim -> end(cluster, victim));
  }

  void begin(ChaosCluster cluster, int victim) {
    begin(cluster, List.of(victim));
  }

  void end(ChaosCluster cluster, int victim) {
    end(cluster, List.of(victim));
  }
}
