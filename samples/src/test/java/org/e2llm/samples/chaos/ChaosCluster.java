package org.e2llm.samples.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.cluster.Secret;
import org.e2llm.samples.Apps;
import org.e2llm.samples.Until;

/**
 * Peers and callers as processes: {@code samples/run peer} in the first places, then a caller that
 * shares memory too, last one that only asks. Each offers less memory than the model needs, so that
 * three of them have to work together.
 */
final class ChaosCluster implements AutoCloseable {
  /** Three devices that offer this hold the model with its KV cache, two do not. */
  private static final long SHARE = 2_600_000;

  static final Path MODEL = Path.of("models/stories260K-F32.gguf").toAbsolutePath();

  private final Lan lan;
  private final Path folder;
  private final Path secret;
  private final List<Jvm> peers = new ArrayList<>();
  private final List<App> callers = new ArrayList<>();

  ChaosCluster(Lan lan, Path folder) {
    this.lan = lan;
    this.folder = folder;
    this.secret = folder.resolve("secret");
    try {
      Files.writeString(secret, Secret.generate().reveal());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts everything and waits until all see all and a plan serves. */
  void start() {
    int count = lan.places().size() - 2;
    for (int i = 0; i < count; i++) {
      peers.add(peer(i));
    }
    callers.add(caller(count));
    callers.add(caller(count + 1));
    callers.get(0).open(MODEL, SHARE);
    callers.get(1).open(MODEL, 0);
    awaitWhole();
  }

  private Jvm peer(int place) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "peer",
                "--cluster",
                Apps.CLUSTER,
                "--secret-file",
                secret.toString(),
                "--model",
                MODEL.toString(),
                "--no-discovery",
                "--listen",
                address(place),
                "--peer-folder",
                folder(place).toString(),
                "--memory",
                Long.toString(SHARE),
                "--threads",
                "1"));
    for (String other : others(place)) {
      arguments.addAll(List.of("--join", other));
    }
    return new Jvm(
        lan.places().get(place).prefix(),
        List.of(),
        errors(place),
        SampleProgram.class.getName(),
        arguments);
  }

  private App caller(int place) {
    List<String> arguments =
        new ArrayList<>(List.of(secret.toString(), folder(place).toString(), address(place)));
    arguments.addAll(others(place));
    return new App(
        new Jvm(
            lan.places().get(place).prefix(),
            List.of(),
            errors(place),
            AppProgram.class.getName(),
            arguments));
  }

  private List<String> others(int place) {
    List<String> others = new ArrayList<>();
    for (int i = 0; i < lan.places().size(); i++) {
      if (i != place) {
        others.add(address(i));
      }
    }
    return others;
  }

  private Path folder(int place) {
    return folder.resolve("peer" + place);
  }

  private Path errors(int place) {
    return folder.resolve("peer" + place + ".err");
  }

  Lan lan() {
    return lan;
  }

  /** Places that are peers, from 0; callers follow. */
  int peerCount() {
    return peers.size();
  }

  String address(int place) {
    return lan.places().get(place).address();
  }

  Jvm process(int peer) {
    return peers.get(peer);
  }

  /** One that shares memory, and one that only asks. */
  List<App> callers() {
    return callers;
  }

  /** Starts a peer that has ended. */
  void restart(int peer) {
    peers.get(peer).close();
    peers.set(peer, peer(peer));
  }

  /** Starts the caller that only asks once more, after its process was killed. */
  void restartAsker() {
    callers.get(1).process().close();
    callers.set(1, caller(peers.size() + 1));
    callers.get(1).open(MODEL, 0);
  }

  /** Until both callers see everybody and a plan that serves. */
  void awaitWhole() {
    int all = lan.places().size();
    Until.until(
        60,
        "all " + all + " devices see each other and a plan serves",
        () -> {
          for (App caller : callers) {
            App.Status status = caller.status();
            if (!status.ready() || status.peers() != all) {
              return false;
            }
          }
          return true;
        });
  }

  /** What happened, for the message of a test that fails. */
  String story() {
    StringBuilder story = new StringBuilder();
    for (int i = 0; i < lan.places().size(); i++) {
      try {
        String text = Files.exists(errors(i)) ? Files.readString(errors(i)) : "";
        story
            .append("\n== ")
            .append(address(i))
            .append('\n')
            .append(text, Math.max(0, text.length() - 3000), text.length());
      } catch (IOException e) {
        story.append(e);
      }
    }
    return story.toString();
  }

  @Override
  public void close() {
    callers.forEach(caller -> caller.process().close());
    peers.forEach(Jvm::close);
    lan.close();
  }
}
