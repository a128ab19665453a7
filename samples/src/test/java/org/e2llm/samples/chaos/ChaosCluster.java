package org.e2llm.samples.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.E2llm;
import org.e2llm.cluster.Secret;
import org.e2llm.model.KvType;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.samples.Apps;
import org.e2llm.samples.Until;

/**
 * Peers and callers as processes: {@code samples/run peer} in the first places, then a caller that
 * shares memory too, last one that only asks. Each offers less memory than the model needs, so that
 * three of them have to work together.
 */
final class ChaosCluster implements AutoCloseable {
  static final Path MODEL = Path.of("models/stories260K-F32.gguf").toAbsolutePath();

  /**
   * One byte less than two devices must offer to hold the model and one session as long as its
   * context, which is what plans keep memory for. It is enough for three: each of them has work
   * buffers of its own, which for a model this small are most of what a stage takes, so that there
   * is no more than an eighth between the two.
   */
  private static final long SHARE = neededBy(2) - 1;

  /** Enough for two stages, each with work buffers of its own. */
  private static final long SHARE_FOR_ENDS = 2 * neededBy(1);

  private final Lan lan;
  private final boolean keepsEnds;
  private final Path folder;
  private final Path secret;
  private final List<Jvm> peers = new ArrayList<>();
  private final List<App> callers = new ArrayList<>();

  ChaosCluster(Lan lan, Path folder) {
    this(lan, false, folder);
  }

  /**
   * Starts nothing yet.
   *
   * @param keepsEnds whether the caller that shares memory keeps both ends of the model, for which
   *     it offers more; all sessions run there then
   */
  ChaosCluster(Lan lan, boolean keepsEnds, Path folder) {
    this.lan = lan;
    this.keepsEnds = keepsEnds;
    this.folder = folder;
    this.secret = folder.resolve("secret");
    try {
      Files.writeString(secret, Secret.generate().reveal());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The least memory with which so many devices hold the model, each offering the same. */
  private static long neededBy(int devices) {
    PlannedModel model = new PlannedModel(E2llm.inspect(MODEL).spec(), KvType.F16);
    return neededBy(devices, model, 0);
  }

  /** The same for the layers from {@code first} on. */
  private static long neededBy(int devices, PlannedModel model, int first) {
    int context = model.spec().contextLength();
    if (devices == 1) {
      return model.memoryBytes(first, model.layerCount(), context);
    }
    long least = Long.MAX_VALUE;
    for (int cut = first + 1; cut <= model.layerCount() - (devices - 1); cut++) {
      long rest = neededBy(devices - 1, model, cut);
      least = Math.min(least, Math.max(model.memoryBytes(first, cut, context), rest));
    }
    return least;
  }

  /** Starts everything and waits until all see all and a plan serves. */
  void start() {
    assertThat(SHARE).as("what three devices need").isGreaterThanOrEqualTo(neededBy(3));
    int count = lan.places().size() - 2;
    for (int i = 0; i < count; i++) {
      peers.add(peer(i));
    }
    callers.add(caller(count));
    callers.add(caller(count + 1));
    if (keepsEnds) {
      callers.get(0).open(MODEL, SHARE_FOR_ENDS, App.Wish.KEEPS_ENDS);
    } else {
      callers.get(0).open(MODEL, SHARE);
    }
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
    try {
      Until.until(
          60, "all " + all + " devices see each other and a plan serves", () -> isWhole(all));
    } catch (AssertionError e) {
      throw new AssertionError(e.getMessage() + story(), e);
    }
  }

  private boolean isWhole(int all) {
    for (App caller : callers) {
      App.Status status = caller.status();
      if (!status.ready() || status.peers() != all) {
        return false;
      }
    }
    return true;
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
