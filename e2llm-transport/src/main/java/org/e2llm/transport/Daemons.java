package org.e2llm.transport;

import java.util.concurrent.ScheduledThreadPoolExecutor;

/** Threads of this package: none of them keeps a JVM alive. */
final class Daemons {
  private Daemons() {}

  /** One daemon thread; what is scheduled for later is forgotten when it is shut down. */
  static ScheduledThreadPoolExecutor executor(String name) {
    ScheduledThreadPoolExecutor made =
        new ScheduledThreadPoolExecutor(
            1,
            work -> {
              Thread started = new Thread(work, name);
              started.setDaemon(true);
              return started;
            });
    made.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    made.setContinueExistingPeriodicTasksAfterShutdownPolicy(false);
    made.setRemoveOnCancelPolicy(true);
    return made;
  }
}
