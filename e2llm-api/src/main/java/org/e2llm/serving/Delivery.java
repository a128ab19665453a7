package org.e2llm.serving;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The one thread that calls the app's code. It starts with the first call, ends when it has had
 * nothing to do for a second, and is a daemon: nobody has to stop it, and what was computed before
 * a close is still delivered after it.
 */
final class Delivery implements Executor {
  static final String THREAD_NAME = "e2llm-delivery";

  private final ThreadPoolExecutor executor;
  private volatile @Nullable Thread thread;

  Delivery() {
    executor =
        new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), this::start);
    executor.allowCoreThreadTimeOut(true);
  }

  private Thread start(Runnable work) {
    Thread started = new Thread(work, THREAD_NAME);
    started.setDaemon(true);
    thread = started;
    return started;
  }

  /** Whether the calling thread is the delivery thread, so that it must not wait for it. */
  boolean isCurrentThread() {
    return Thread.currentThread() == thread;
  }

  @Override
  public void execute(Runnable call) {
    executor.execute(call);
  }
}
