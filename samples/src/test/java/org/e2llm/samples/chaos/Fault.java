package org.e2llm.samples.chaos;

import static java.util.concurrent.TimeUnit.SECONDS;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/** What befalls peers, and how it is mended. */
enum Fault {
  /** The process is gone at once; the system closes its connections. */
  KILL(false) {
    @Override
    void strike(ChaosCluster cluster, List<Integer> victims, SplittableRandom random) {
      victims.forEach(victim -> cluster.process(victim).signal("KILL"));
    }

    @Override
    void mend(ChaosCluster cluster, List<Integer> victims) {
      victims.forEach(cluster::restart);
    }
  },

  /** It leaves the cluster and ends, as an app does that is closed. */
  LEAVE(false) {
    @Override
    void strike(ChaosCluster cluster, List<Integer> victims, SplittableRandom random) {
      victims.forEach(victim -> cluster.process(victim).signal("TERM"));
    }

    @Override
    void mend(ChaosCluster cluster, List<Integer> victims) {
      for (int victim : victims) {
        if (!cluster.process(victim).ended(15, SECONDS)) {
          throw new AssertionError("peer " + victim + " did not end within 15 s of SIGTERM");
        }
        cluster.restart(victim);
      }
    }
  },

  /** It stands still until the generations have ended, its connections stay open. */
  FREEZE(false) {
    @Override
    void strike(ChaosCluster cluster, List<Integer> victims, SplittableRandom random) {
      victims.forEach(victim -> cluster.process(victim).signal("STOP"));
    }

    @Override
    void mend(ChaosCluster cluster, List<Integer> victims) {
      victims.forEach(victim -> cluster.process(victim).signal("CONT"));
    }
  },

  /** It stands still for up to three seconds, then goes on. */
  STUTTER(false) {
    @Override
    void strike(ChaosCluster cluster, List<Integer> victims, SplittableRandom random) {
      victims.forEach(victim -> cluster.process(victim).signal("STOP"));
      ChaosCluster.pause(random.nextInt(3000));
      victims.forEach(victim -> cluster.process(victim).signal("CONT"));
    }

    @Override
    void mend(ChaosCluster cluster, List<Integer> victims) {}
  },

  /** Its link is down until the generations have ended. */
  LINK_DOWN(true) {
    @Override
    void strike(ChaosCluster cluster, List<Integer> victims, SplittableRandom random) {
      victims.forEach(victim -> cluster.lan().link(victim, false));
    }

    @Override
    void mend(ChaosCluster cluster, List<Integer> victims) {
      victims.forEach(victim -> cluster.lan().link(victim, true));
    }
  },

  /** Its link is down for up to three seconds. */
  LINK_FLAPS(true) {
    @Override
    void strike(ChaosCluster cluster, List<Integer> victims, SplittableRandom random) {
      victims.forEach(victim -> cluster.lan().link(victim, false));
      ChaosCluster.pause(random.nextInt(3000));
      victims.forEach(victim -> cluster.lan().link(victim, true));
    }

    @Override
    void mend(ChaosCluster cluster, List<Integer> victims) {}
  },

  /** What it sends arrives, what is sent to it does not. */
  DEAF(true) {
    @Override
    void strike(ChaosCluster cluster, List<Integer> victims, SplittableRandom random) {
      victims.forEach(victim -> cluster.lan().deaf(victim, true));
    }

    @Override
    void mend(ChaosCluster cluster, List<Integer> victims) {
      victims.forEach(victim -> cluster.lan().deaf(victim, false));
    }
  },

  /** The victims reach each other and nobody else. */
  PARTITION(true) {
    @Override
    void strike(ChaosCluster cluster, List<Integer> victims, SplittableRandom random) {
      Set<Integer> set = new HashSet<>(victims);
      cluster.lan().partition(set, true);
    }

    @Override
    void mend(ChaosCluster cluster, List<Integer> victims) {
      cluster.lan().partition(new HashSet<>(victims), false);
    }
  };

  private final boolean needsLinks;

  Fault(boolean needsLinks) {
    this.needsLinks = needsLinks;
  }

  boolean needsLinks() {
    return needsLinks;
  }

  abstract void strike(ChaosCluster cluster, List<Integer> victims, SplittableRandom random);

  /** Once the generations have ended. */
  abstract void mend(ChaosCluster cluster, List<Integer> victims);
}
