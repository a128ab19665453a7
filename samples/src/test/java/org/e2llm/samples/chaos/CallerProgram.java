package org.e2llm.samples.chaos;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.StringJoiner;
import org.e2llm.E2llm;
import org.e2llm.E2llmException;
import org.e2llm.Generation;
import org.e2llm.GenerationRequest;
import org.e2llm.Token;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.Secret;
import org.e2llm.cluster.Share;
import org.e2llm.plan.StagePlan;

/**
 * An app that calls {@code generate()} when its standard input says so, and prints what comes of
 * it.
 *
 * <pre>
 *   generate ID SEED TOKENS BASE64-PROMPT     done ID BASE64-TEXT | failed ID ERROR BASE64-TEXT BASE64-MESSAGE
 *   status                                    status READY PEERS COORDINATOR STAGE,STAGE,...   (addresses)
 * </pre>
 */
final class CallerProgram {
  private final E2llm llm;
  private final PrintStream out;

  private CallerProgram(E2llm llm, PrintStream out) {
    this.llm = llm;
    this.out = out;
  }

  /**
   * Runs until standard input ends.
   *
   * @param args model, secret file, folder, bytes to share, address to listen at, addresses of
   *     peers
   */
  public static void main(String[] args) throws Exception {
    Cluster cluster =
        Cluster.named("chaos")
            .secret(Secret.parse(Files.readString(Path.of(args[1])).trim()))
            .folder(Path.of(args[2]))
            .listen(host(args[4]), port(args[4]))
            .deviceName("caller")
            .withoutDiscovery();
    for (String peer : List.of(args).subList(5, args.length)) {
      cluster = cluster.peer(host(peer), port(peer));
    }
    long share = Long.parseLong(args[3]);
    E2llm.Builder builder = E2llm.builder().model(Path.of(args[0])).threads(1).cluster(cluster);
    builder.share(share == 0 ? Share.none() : Share.memory(share));
    builder.onEvent(event -> System.err.println(System.currentTimeMillis() + " " + event.text()));
    try (E2llm llm = builder.open()) {
      CallerProgram program = new CallerProgram(llm, System.out);
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      program.println("open");
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String[] words = line.split(" ");
        if (words[0].equals("generate")) {
          program.generate(
              words[1], Long.parseLong(words[2]), Integer.parseInt(words[3]), words[4]);
        } else {
          program.println(program.status());
        }
      }
    }
  }

  private void generate(String id, long seed, int tokens, String prompt) {
    Generation generation = llm.generate(request(decoded(prompt), seed, tokens));
    Thread waits =
        new Thread(
            () -> {
              StringBuilder text = new StringBuilder();
              try {
                for (Token token : generation) {
                  text.append(token.text());
                }
                println("done " + id + " " + encoded(text.toString()));
              } catch (E2llmException e) {
                String error = e.getClass().getSimpleName();
                String message = String.valueOf(e.getMessage());
                println(
                    String.join(
                        " ", "failed", id, error, encoded(e.textSoFar()), encoded(message)));
              }
            });
    waits.setDaemon(true);
    waits.start();
  }

  /** What all callers ask for, and what the test asks one device alone for. */
  static GenerationRequest request(String prompt, long seed, int tokens) {
    return GenerationRequest.builder()
        .prompt(prompt)
        .maxTokens(tokens)
        .temperature(seed == 0 ? 0 : 0.9f)
        .seed(seed)
        .build();
  }

  private String status() {
    ClusterStatus status = llm.cluster().status();
    StringJoiner stages = new StringJoiner(",");
    if (status.plan() != null) {
      for (StagePlan stage : status.plan().replicas().get(0).stages()) {
        stages.add(address(status, stage.device()));
      }
    }
    return "status "
        + status.ready()
        + " "
        + status.peers().size()
        + " "
        + address(status, status.coordinator())
        + " "
        + (stages.length() == 0 ? "-" : stages);
  }

  private static String address(ClusterStatus status, String id) {
    for (ClusterStatus.Peer peer : status.peers()) {
      if (peer.id().equals(id) && !peer.addresses().isEmpty()) {
        return peer.addresses().get(0);
      }
    }
    return "?";
  }

  /** Several generations end at once. */
  private synchronized void println(String line) {
    out.println(line);
    out.flush();
  }

  static String encoded(String text) {
    return Base64.getEncoder().encodeToString((text + "|").getBytes(StandardCharsets.UTF_8));
  }

  static String decoded(String base64) {
    String text = new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    return text.substring(0, text.length() - 1);
  }

  static String host(String address) {
    return address.substring(0, address.lastIndexOf(':'));
  }

  static int port(String address) {
    return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
  }
}
