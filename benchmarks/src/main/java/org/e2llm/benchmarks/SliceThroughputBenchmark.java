package org.e2llm.benchmarks;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.e2llm.cluster.Secret;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelSource;
import org.e2llm.transport.net.Connection;
import org.e2llm.transport.net.ConnectionListener;
import org.e2llm.transport.net.Endpoint;
import org.e2llm.transport.net.EndpointOptions;
import org.e2llm.transport.net.Hello;
import org.e2llm.transport.net.Lane;
import org.e2llm.transport.slice.FullModel;
import org.e2llm.transport.slice.SliceEvents;
import org.e2llm.transport.slice.SliceExchange;
import org.e2llm.transport.slice.SliceOptions;
import org.e2llm.transport.slice.SliceStore;
import org.e2llm.transport.trust.Identity;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Time for 256 MiB from one peer to another on loopback: through a bare pair of SSLSockets that
 * forgets them, and as slices, which are read from a file, asked for leaf by leaf, hashed and
 * written to a cache that was empty. Both sides run in one process and share its cores.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 4)
@Measurement(iterations = 8)
@Fork(1)
public class SliceThroughputBenchmark {
  private static final int LAYERS = 16;
  private static final int TENSOR = 8 << 20;
  private static final int HEADER = 4096;
  private static final int PIECE = 1 << 20;

  @Param({"bare", "slices"})
  public String way;

  private TlsPair.Bare bare;
  private final Secret secret = Secret.generate();
  private Path folder;
  private ModelLayout layout;
  private String modelId;
  private Peer holder;
  private Peer fetcher;

  @Setup
  public void open() throws Exception {
    if (way.equals("bare")) {
      bare = new TlsPair.Bare(PIECE, false, 0);
      return;
    }
    folder = Files.createTempDirectory("slices");
    layout = write(folder.resolve("model.bin"));
    FullModel model = FullModel.open(layout, null, progress -> {}).get();
    modelId = model.modelId();
    holder = new Peer(secret, SliceExchange.serving(model, new SliceEvents() {}));
  }

  /** Random bytes, a big tensor and a small one per layer. */
  private static ModelLayout write(Path path) throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    List<ModelLayout.Tensor> tensors = new ArrayList<>();
    long at = HEADER;
    byte[] bytes = new byte[TENSOR];
    try (OutputStream out = Files.newOutputStream(path)) {
      out.write(new byte[HEADER]);
      for (int i = 0; i < 2 * LAYERS; i++) {
        random.nextBytes(bytes);
        out.write(bytes);
        tensors.add(new ModelLayout.Tensor("t" + i, ModelLayout.Part.LAYER, i / 2, 0, at, TENSOR));
        at += TENSOR;
      }
    }
    ModelLayout.File file = new ModelLayout.File(ModelSource.of(path), at, HEADER);
    return new ModelLayout(LAYERS, false, List.of(file), tensors);
  }

  private static ModelLayout at(ModelLayout layout, ModelSource source) {
    ModelLayout.File file = layout.files().get(0);
    return new ModelLayout(
        LAYERS,
        false,
        List.of(new ModelLayout.File(source, file.bytes(), file.headerBytes())),
        layout.tensors());
  }

  /** All connections that there are carry slices. */
  private static final class Peer implements ConnectionListener, AutoCloseable {
    final SliceExchange exchange;
    final Endpoint endpoint;

    Peer(Secret secret, SliceExchange exchange) {
      this.exchange = exchange;
      this.endpoint =
          Endpoint.open(
              EndpointOptions.listening(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)),
              Identity.create(),
              secret,
              Hello.of("benchmark", ""),
              this);
    }

    @Override
    public void opened(Connection connection, Hello hello) {
      exchange.opened(connection);
    }

    @Override
    public void received(Connection connection, byte type, ByteBuffer payload) {
      exchange.received(connection, type, payload);
    }

    @Override
    public void closed(Connection connection, Throwable why) {
      exchange.closed(connection);
    }

    @Override
    public void close() {
      endpoint.close();
      endpoint.closed().join();
      exchange.close();
    }
  }

  /** The fetching peer has the header, and nothing else, before the clock runs. */
  @Setup(Level.Iteration)
  public void join() throws Exception {
    if (bare != null) {
      return;
    }
    CountDownLatch ready = new CountDownLatch(1);
    SliceExchange exchange =
        SliceExchange.fetching(
            "fetcher",
            modelId,
            SliceStore.open(folder.resolve("cache"), 1L << 40),
            source -> at(layout, source),
            SliceOptions.defaults(),
            new SliceEvents() {
              @Override
              public void ready(ModelSource source, ModelLayout known) {
                ready.countDown();
              }
            });
    fetcher = new Peer(secret, exchange);
    fetcher.endpoint.connect(holder.endpoint.address(), Lane.BULK).join();
    ready.await();
  }

  @TearDown(Level.Iteration)
  public void leave() throws IOException {
    if (fetcher != null) {
      fetcher.close();
      delete(folder.resolve("cache"));
    }
  }

  @Benchmark
  public void fetch() throws Exception {
    if (bare != null) {
      bare.stream(2 * LAYERS * TENSOR / PIECE);
    } else {
      fetcher.exchange.aim(List.of(LayerRange.of(0, LAYERS)), List.of()).get();
    }
  }

  @TearDown
  public void close() throws IOException {
    if (bare != null) {
      bare.close();
    } else {
      holder.close();
      delete(folder);
    }
  }

  private static void delete(Path place) throws IOException {
    List<Path> all;
    try (Stream<Path> walk = Files.walk(place)) {
      all = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : all) {
      Files.deleteIfExists(path);
    }
  }
}
