package org.e2llm.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.e2llm.CapacityException;
import org.e2llm.Conversation;
import org.e2llm.E2llm;
import org.e2llm.E2llmException;
import org.e2llm.FinishReason;
import org.e2llm.Generation;
import org.e2llm.GenerationRequest;
import org.e2llm.GenerationResult;
import org.e2llm.Message;
import org.e2llm.ServingStats;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The public API on real models: what an app sees of the engine. */
class GenerateTest {
  private static final String STORY =
      ", there was a little girl named Lily. She loved to play outside in the park.";

  @Test
  void tellsTheStoryTheReferenceEngineTells() {
    try (E2llm llm = stories(E2llm.builder())) {
      GenerationResult result = llm.generate(greedy("Once upon a time", 40)).await();
      assertThat(result.text()).startsWith(STORY);
      assertThat(result.finishReason()).isEqualTo(FinishReason.LENGTH);
      assertThat(result.usage().promptTokens()).isEqualTo(5);
      assertThat(result.usage().outputTokens()).isEqualTo(40);
    }
  }

  @Test
  void tellsTheSameStoryFromAChannelThatHasNoPath(@TempDir Path folder) throws IOException {
    byte[] model = Files.readAllBytes(model());
    Path asset = Files.write(folder.resolve("asset"), new byte[777]);
    Files.write(asset, model, StandardOpenOption.APPEND);
    Files.write(asset, new byte[99], StandardOpenOption.APPEND);
    try (FileChannel channel = FileChannel.open(asset);
        E2llm llm = E2llm.builder().model(channel, 777, model.length).open()) {
      assertThat(text(llm, greedy("Once upon a time", 40))).startsWith(STORY);
    }
  }

  @Test
  void aHundredAtOnceTellWhatEachTellsAlone() {
    try (E2llm llm = stories(E2llm.builder().batch(64))) {
      List<String> alone = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        alone.add(text(llm, varied(i)));
      }
      List<Generation> together = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        together.add(llm.generate(varied(i)));
      }
      for (int i = 0; i < 100; i++) {
        assertThat(together.get(i).await().text()).as("generation %d", i).isEqualTo(alone.get(i));
      }
    }
  }

  @Test
  void cancellingHalfOfThemFreesTheirMemory() {
    try (E2llm llm = stories(E2llm.builder())) {
      List<Generation> running = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        running.add(
            llm.generate(greedy("Once upon a time", 400).toBuilder().logitBias(2, -100).build()));
      }
      running.forEach(generation -> generation.iterator().next());
      ServingStats all = llm.stats();
      assertThat(all.activeSessions()).isEqualTo(40);
      for (int i = 0; i < 40; i += 2) {
        running.get(i).cancel();
      }
      for (int i = 0; i < 40; i += 2) {
        assertThat(running.get(i).await().finishReason()).isEqualTo(FinishReason.CANCELLED);
      }
      ServingStats half = llm.stats();
      assertThat(half.activeSessions()).isEqualTo(20);
      assertThat(half.kvReservedBytes()).isEqualTo(all.kvReservedBytes() / 2);
      String whole =
          text(llm, greedy("Once upon a time", 400).toBuilder().logitBias(2, -100).build());
      for (int i = 1; i < 40; i += 2) {
        assertThat(running.get(i).await().text()).isEqualTo(whole);
      }
      assertThat(llm.stats().kvReservedBytes()).isZero();
      assertThat(llm.stats().kvAllocatedBytes()).isZero();
    }
  }

  @Test
  void tenThousandShortGenerationsLeaveNothingBehind() throws IOException {
    try (E2llm llm = stories(E2llm.builder())) {
      shortGenerations(llm, 2000);
      long heap = usedHeap();
      long mapped = mappedBytes();
      int threads = Thread.activeCount();
      shortGenerations(llm, 10_000);
      assertThat(usedHeap() - heap).as("growth of the heap").isLessThan(2 << 20);
      assertThat(mappedBytes()).as("mapped bytes").isEqualTo(mapped);
      assertThat(Thread.activeCount()).isEqualTo(threads);
    }
  }

  @Test
  void openingAndClosingLeavesNoMappingAndNoThread(@TempDir Path folder) throws Exception {
    Path own = Files.copy(model(), folder.resolve("open-and-close.gguf"));
    for (int i = 0; i < 20; i++) {
      try (E2llm llm = E2llm.builder().model(own).threads(2).open()) {
        llm.generate(greedy("Once", 500));
      }
    }
    Path maps = Path.of("/proc/self/maps");
    if (Files.exists(maps)) {
      assertThat(Files.readString(maps)).doesNotContain("open-and-close.gguf");
    }
    assertThat(Thread.getAllStackTraces().keySet())
        .extracting(Thread::getName)
        .noneMatch(name -> name.equals("e2llm-serving"));
  }

  @Test
  void closingCancelsWhatRuns() {
    E2llm llm = stories(E2llm.builder());
    Generation generation =
        llm.generate(greedy("Once", 500).toBuilder().logitBias(2, -100).build());
    generation.iterator().next();
    llm.close();
    assertThat(generation.await().finishReason()).isEqualTo(FinishReason.CANCELLED);
  }

  @Test
  void whatCanNeverFitIsRefusedWithWhatWould() {
    try (E2llm llm = stories(E2llm.builder())) {
      String tooLong = "Once upon a time ".repeat(300);
      assertThatThrownBy(() -> llm.generate(greedy(tooLong, 10)))
          .isInstanceOf(E2llmException.class)
          .hasMessageContaining("512");
    }
    try (E2llm llm = stories(E2llm.builder().kvMemory(64 << 10))) {
      assertThatThrownBy(() -> llm.generate(greedy("Once upon a time", 400)))
          .isInstanceOf(CapacityException.class)
          .hasMessageMatching("(?s).*\\d+ tokens.*");
    }
  }

  @Test
  void aConversationSaysWhatItWouldHaveSaidFromTheStart() {
    Path smol = Shared.require("models/SmolLM2-135M-Instruct-Q4_1.gguf");
    try (E2llm llm = E2llm.builder().model(smol).open()) {
      List<Message> history = new ArrayList<>();
      try (Conversation conversation = llm.conversation("Answer in one short sentence.")) {
        history.add(Message.system("Answer in one short sentence."));
        for (String question : List.of("What is the capital of France?", "And of Italy?")) {
          history.add(Message.user(question));
          GenerationRequest whole =
              GenerationRequest.builder().messages(history).maxTokens(24).temperature(0).build();
          GenerationResult fresh = llm.generate(whole).await();
          GenerationResult turn =
              conversation
                  .send(
                      GenerationRequest.builder()
                          .messages(Message.user(question))
                          .maxTokens(24)
                          .temperature(0)
                          .build())
                  .await();
          assertThat(turn.text()).isEqualTo(fresh.text()).isNotBlank();
          history.add(Message.assistant(turn.text()));
          if (history.size() > 3) {
            assertThat(turn.usage().cachedTokens()).isPositive();
          }
        }
      }
    }
  }

  @Test
  void damagedFilesEndInATypedErrorOrInAnAnswer(@TempDir Path folder) throws IOException {
    byte[] sound = Files.readAllBytes(Path.of(url("stories260K-Q4_0.gguf")));
    Random random = new Random(11);
    for (int i = 0; i < 120; i++) {
      byte[] damaged = sound.clone();
      int reach = i % 2 == 0 ? 24_000 : damaged.length;
      for (int flips = 0; flips < 4; flips++) {
        damaged[random.nextInt(reach)] ^= (byte) (1 << random.nextInt(8));
      }
      Path file = Files.write(folder.resolve("damaged.gguf"), damaged);
      Throwable thrown =
          catchThrowable(
              () -> {
                try (E2llm llm = E2llm.builder().model(file).threads(1).open()) {
                  llm.generate(greedy("Once upon", 4)).await(Duration.ofMinutes(1));
                }
              });
      if (thrown != null) {
        assertThat(thrown).as("file %d", i).isInstanceOf(E2llmException.class);
      }
    }
  }

  private static void shortGenerations(E2llm llm, int count) {
    List<Generation> inFlight = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      inFlight.add(llm.generate(greedy("Tom", 2)));
      if (inFlight.size() == 50) {
        inFlight.forEach(Generation::await);
        inFlight.clear();
      }
    }
    inFlight.forEach(Generation::await);
  }

  private static long usedHeap() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** Address space of files and of large native allocations; Linux only. */
  private static long mappedBytes() throws IOException {
    Path maps = Path.of("/proc/self/maps");
    Assumptions.assumeTrue(Files.exists(maps), "needs /proc/self/maps");
    long bytes = 0;
    for (String line : Files.readAllLines(maps)) {
      if (line.endsWith(".gguf")) {
        String[] range = line.substring(0, line.indexOf(' ')).split("-");
        bytes += Long.parseUnsignedLong(range[1], 16) - Long.parseUnsignedLong(range[0], 16);
      }
    }
    return bytes;
  }

  private static GenerationRequest greedy(String prompt, int maxTokens) {
    return GenerationRequest.builder().prompt(prompt).maxTokens(maxTokens).temperature(0).build();
  }

  private static GenerationRequest varied(int i) {
    return GenerationRequest.builder()
        .prompt("Once upon a time, " + "the little dog ".repeat(i % 7) + i)
        .maxTokens(5 + i % 40)
        .temperature(i % 4 == 0 ? 0 : 0.8f)
        .seed(i)
        .build();
  }

  private static String text(E2llm llm, GenerationRequest request) {
    return llm.generate(request).await().text();
  }

  private static E2llm stories(E2llm.Builder builder) {
    return builder.model(model()).open();
  }

  private static Path model() {
    return Path.of(url("stories260K-F32.gguf"));
  }

  private static String url(String name) {
    return GenerateTest.class.getResource("/golden/" + name).getPath();
  }
}
