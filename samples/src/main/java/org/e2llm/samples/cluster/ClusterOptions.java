package org.e2llm.samples.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.E2llm;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterEvent;
import org.e2llm.cluster.Secret;
import org.e2llm.cluster.SliceCache;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.UsageException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options with which a command joins a cluster. */
public final class ClusterOptions {
  @Option(
      names = "--cluster",
      paramLabel = "NAME",
      description = "Join the cluster of this name; default with --secret-file: e2llm.")
  private @Nullable String name;

  @Option(
      names = "--secret-file",
      paramLabel = "FILE",
      description = "Holds the cluster's secret, as samples/run secret prints it.")
  private @Nullable Path secretFile;

  @Option(
      names = "--join",
      paramLabel = "HOST:PORT",
      description = "A peer to dial, where discovery does not find it; may be repeated.")
  private List<String> join = new ArrayList<>();

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      description = "Where to listen; port 0 is any free one. Default: any port, all interfaces.")
  private @Nullable String listen;

  @Option(
      names = "--no-discovery",
      description = "Neither announce this device on the LAN nor look for others there.")
  private boolean noDiscovery;

  @Option(
      names = "--peer-folder",
      paramLabel = "FOLDER",
      description = "Keeps this device's identity and profile; default: ~/.e2llm.")
  private @Nullable Path folder;

  @Option(
      names = "--cache",
      paramLabel = "DIR",
      description =
          "Keeps bytes of the model that come from peers; default: slices in the peer folder.")
  private @Nullable Path cache;

  @Option(
      names = "--cache-size",
      paramLabel = "SIZE",
      description = "The most that the cache may take, such as 20G; default: 32G.")
  private @Nullable String cacheSize;

  @Option(
      names = "--model-id",
      paramLabel = "HEX",
      description = "Take part with this model only; samples/run cluster --json shows its id.")
  private @Nullable String modelId;

  /** Whether a cluster is to be joined. */
  public boolean isGiven() {
    return name != null || secretFile != null || !join.isEmpty();
  }

  /** Joins if the options say so; what needs somebody is noted on {@code console}. */
  public E2llm.Builder apply(E2llm.Builder builder, Console console) {
    if (!isGiven()) {
      return builder;
    }
    return builder
        .cluster(cluster())
        .onEvent(
            event -> {
              if (event instanceof ClusterEvent.Refused || event instanceof ClusterEvent.Problem) {
                console.noteln(event.text());
              }
            });
  }

  /** The cluster that the options name. */
  public Cluster cluster() {
    if (secretFile == null) {
      throw new UsageException(
          "a cluster needs --secret-file FILE, the same on all devices: samples/run secret makes"
              + " one");
    }
    Cluster cluster = Cluster.named(name == null ? "e2llm" : name).secret(secret(secretFile));
    for (String peer : join) {
      Cluster.Address address = address("--join", peer);
      cluster = cluster.peer(address.host(), address.port());
    }
    if (listen != null) {
      Cluster.Address address = address("--listen", listen);
      cluster = cluster.listen(address.host(), address.port());
    }
    if (noDiscovery) {
      cluster = cluster.withoutDiscovery();
    }
    if (modelId != null) {
      cluster = cluster.modelId(modelId);
    }
    SliceCache kept = SliceCache.DEFAULT;
    kept = cache == null ? kept : kept.in(cache);
    kept = cacheSize == null ? kept : kept.ofAtMost(SizeText.parse("--cache-size", cacheSize));
    cluster = cluster.cache(kept);
    return folder == null ? cluster : cluster.folder(folder);
  }

  private static Secret secret(Path file) {
    try {
      if (Files.size(file) > 1024) {
        throw new UsageException("the secret file " + file + " is too long to hold a secret");
      }
      return Secret.parse(Files.readString(file).trim());
    } catch (IOException e) {
      throw new UsageException(
          "the secret file " + file + " cannot be read; samples/run secret makes a secret");
    }
  }

  private static Cluster.Address address(String option, String text) {
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? text : text.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    }
    try {
      return new Cluster.Address(host, Integer.parseInt(text.substring(colon + 1)));
    } catch (NumberFormatException e) {
      throw new UsageException(option + " " + text + ": expected is HOST:PORT");
    }
  }
}
