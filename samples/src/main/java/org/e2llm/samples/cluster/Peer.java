package org.e2llm.samples.cluster;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.e2llm.E2llm;
import org.e2llm.WaitInterruptedException;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.Share;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.ContextOption;
import org.e2llm.samples.console.ModelOptions;
import org.e2llm.samples.console.UsageException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Hosts stages for a cluster until it is told to end. */
@Command(
    name = "peer",
    description = "Joins a cluster and hosts the layers its plan gives this device.",
    sortOptions = false,
    footer = {
      "",
      "Without --model it takes the cluster's model, and fetches the layers that it hosts from peers.",
      "Prints one line on standard output, ready HOST:PORT, when it has joined and serves; events go to",
      "standard error. Ends on Ctrl-C or SIGTERM, and leaves the cluster first.",
      "",
      "Examples:",
      "  samples/run peer --cluster kitchen --secret-file kitchen.secret --model model.gguf",
      "  samples/run peer --secret-file s --no-discovery --listen 127.0.0.1:7600",
      "  samples/run generate --secret-file s --no-discovery --join 127.0.0.1:7600 \"Once upon a time\""
    })
public final class Peer implements Callable<Integer> {
  private final Console console;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private ContextOption context = new ContextOption();
  @Mixin private ClusterOptions cluster = new ClusterOptions();
  @Mixin private ShareOption share = new ShareOption();
  @Mixin private PlanWish wish = new PlanWish();

  public Peer(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws InterruptedException {
    if (!cluster.isGiven()) {
      throw new UsageException("a peer joins a cluster: give --secret-file FILE");
    }
    E2llm.Builder builder = cluster.apply(context.apply(model.builder(true)), console);
    builder.patience(Duration.ofDays(10_000));
    builder.share(Share.memory(share.bytes()));
    builder.onEvent(event -> console.noteln(event.text()));
    wish.apply(builder);
    CountDownLatch end = new CountDownLatch(1);
    CountDownLatch left = new CountDownLatch(1);
    AtomicReference<@Nullable Thread> opening = new AtomicReference<>(Thread.currentThread());
    // SIGTERM and Ctrl-C begin the JVM's end, which waits for this.
    Thread hook =
        new Thread(
            () -> {
              end.countDown();
              Thread waits = opening.getAndSet(null);
              if (waits != null) {
                waits.interrupt(); // for a peer that has a model
              }
              try {
                left.await(8, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    Runtime.getRuntime().addShutdownHook(hook);
    try (E2llm llm = builder.open()) {
      opening.set(null);
      boolean ready = false;
      while (!ready && !end.await(50, TimeUnit.MILLISECONDS)) {
        ClusterStatus status = llm.cluster().status();
        ready = status.ready() && !status.address().isEmpty();
        if (ready) {
          console.print("ready " + status.address() + "\n");
        }
      }
      sayForecasts(llm, end);
    } catch (WaitInterruptedException e) {
      if (end.getCount() > 0) {
        throw e;
      }
    } finally {
      left.countDown();
    }
    return 0;
  }

  /** What is expected of the plan, whenever that has changed, until the end. */
  private void sayForecasts(E2llm llm, CountDownLatch end) throws InterruptedException {
    String said = "";
    while (!end.await(1, TimeUnit.SECONDS)) {
      ClusterStatus.Forecast forecast = llm.cluster().status().forecast();
      String text = forecast == null ? "" : forecast.text();
      if (!text.equals(said)) {
        console.noteln("expected for one session: " + text);
        said = text;
      }
    }
  }
}
