package org.e2llm.transport.net;

import java.io.IOException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The one thread of an endpoint: waits for sockets and clocks and calls who registered for them.
 * What takes long, parts of TLS handshakes, goes to two helper threads that end when idle.
 */
final class NetLoop {
  /** A socket and its owner. Called on the net thread. */
  interface Handler {
    /** The channel can do something that its key asks for. */
    void ready(SelectionKey key);

    /**
     * Called before the thread waits, every time.
     *
     * @return nanoseconds after which it wants to be called again at the latest
     */
    long beforeWait(long now);
  }

  private static final Logger LOG = Logger.getLogger(NetLoop.class.getName());
  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Selector selector;
  private final Thread thread;
  private final ThreadPoolExecutor slow;
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final List<Handler> handlers = new ArrayList<>();
  private final Consumer<SelectionKey> dispatch = this::dispatch;
  private final Runnable ended;
  private volatile boolean stopping;
  private final CompletableFuture<Void> over = new CompletableFuture<>();

  /** Somebody was called before the wait who changed something for somebody called earlier. */
  private boolean again;

  /**
   * Not yet running.
   *
   * @param ended runs on the net thread when it ends, in whatever way
   */
  NetLoop(Runnable ended) throws IOException {
    this.selector = Selector.open();
    this.ended = ended;
    this.thread = new Thread(this::run, "e2llm-net");
    thread.setDaemon(true);
    this.slow =
        new ThreadPoolExecutor(
            2, 2, 2, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), NetLoop::tls);
    slow.allowCoreThreadTimeOut(true);
  }

  void start() {
    thread.start();
  }

  boolean isCurrentThread() {
    return Thread.currentThread() == thread;
  }

  /** Runs it on the net thread, soon. Nothing happens once the loop has stopped. */
  void execute(Runnable task) {
    tasks.add(task);
    selector.wakeup();
  }

  /** Makes the loop call {@link Handler#beforeWait} of all before it waits. From any thread. */
  void wakeup() {
    if (isCurrentThread()) {
      again = true;
    } else {
      selector.wakeup();
    }
  }

  /** Completes, last of all on the thread, when nothing runs any more. */
  CompletableFuture<Void> over() {
    return over;
  }

  /** Instead of {@link #start}. */
  void discard() {
    closeSelector();
    over.complete(null);
  }

  /** Runs it elsewhere. */
  void executeSlow(Runnable task) {
    slow.execute(task);
  }

  SelectionKey add(SelectableChannel channel, int operations, Handler handler) throws IOException {
    channel.configureBlocking(false);
    SelectionKey key = channel.register(selector, operations, handler);
    handlers.add(handler);
    return key;
  }

  /** The channel was or will be closed by its owner. Net thread only. */
  void remove(Handler handler) {
    handlers.remove(handler);
    again = true;
  }

  /** Ends the thread after what it is doing. */
  void stop() {
    stopping = true;
    selector.wakeup();
  }

  private void run() {
    try {
      while (!stopping) {
        long wait = waitMillis();
        if (again) {
          selector.selectNow(dispatch);
        } else {
          selector.select(dispatch, wait);
        }
        runTasks();
      }
    } catch (IOException | ClosedSelectorException e) {
      LOG.log(Level.SEVERE, "The network thread cannot wait for sockets and ends", e);
    } finally {
      slow.shutdownNow();
      ended.run();
      runTasks();
      closeSelector();
      over.complete(null);
    }
  }

  private void dispatch(SelectionKey key) {
    Handler handler = (Handler) key.attachment();
    if (key.isValid()) {
      handler.ready(key);
    }
  }

  private void runTasks() {
    for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
      try {
        task.run();
      } catch (RuntimeException e) {
        LOG.log(Level.WARNING, "a task of the network thread failed", e);
      }
    }
  }

  /** At least 1. Handlers may remove themselves, or others, meanwhile: then it is asked again. */
  private long waitMillis() {
    again = false;
    long now = System.nanoTime();
    long wait = IDLE_NANOS;
    for (int i = 0; i < handlers.size(); i++) {
      wait = Math.min(wait, handlers.get(i).beforeWait(now));
    }
    return Math.max(1, TimeUnit.NANOSECONDS.toMillis(wait + 999_999));
  }

  private void closeSelector() {
    try {
      selector.close();
    } catch (IOException e) {
      LOG.log(Level.FINE, "closing the selector failed", e);
    }
  }

  private static Thread tls(Runnable task) {
    Thread thread = new Thread(task, "e2llm-net-tls");
    thread.setDaemon(true);
    return thread;
  }
}
