package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.e2llm.Generation;
import org.e2llm.GenerationResult;
import org.e2llm.Token;
import org.e2llm.model.KvType;
import org.e2llm.serving.CallerSessions;
import org.e2llm.serving.KvHold;
import org.e2llm.text.SamplingParams;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One replica computes prompts, another one, cut elsewhere, decodes: the text is that of one. */
@Timeout(30)
class PromptTest {
  private static final SamplingParams SAMPLED = SamplingParams.DEFAULT.withSeed(42);
  private static final Asked LONG = Asked.of(200, 30, SAMPLED);

  @ParameterizedTest(name = "{0} to {1}")
  @CsvSource({"p, a", "p, a b", "p, a b c", "p q, a", "p q, a b", "p q, a b c"})
  void decodeStagesComputeNoPrompt(String prompt, String decode) {
    String[] prompts = prompt.split(" ");
    String[] decoders = decode.split(" ");
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "p", "q", "app");
        PromptPeers other = new PromptPeers(peers, prompts)) {
      peers.serve(decoders);
      Asked.Answer answer = Asked.answer(LONG.on(peers.peer("app").callers));
      assertThat(answer).isEqualTo(LONG.alone());
      for (String device : decoders) {
        // The last token of the prompt gives the first one of the answer, and so on.
        assertThat(peers.peer(device).rows).as(device).hasValue(answer.tokens().size());
      }
      for (String device : prompts) {
        assertThat(peers.peer(device).rows).as(device).hasValue(199);
      }
      for (int i = 0; i < prompts.length; i++) {
        for (int j = 0; j < decoders.length; j++) {
          boolean share = layers(i, prompts, j, decoders) > 0;
          long bytes = other.kvBytes(prompts[i], decoders[j]);
          long kv = layers(i, prompts, j, decoders) * 199L * 8;
          assertThat(bytes).isBetween(kv, share ? kv + 10 * 25 : 0);
        }
      }
      assertThat(peers.peer("a").kv.counts().complete()).isEqualTo(1);
      peers.settle();
    }
  }

  /** Of six layers, those that stage i of one replica and stage j of the other have in common. */
  private static long layers(int i, String[] prompts, int j, String[] decoders) {
    int from = Math.max(6 * i / prompts.length, 6 * j / decoders.length);
    int to = Math.min(6 * (i + 1) / prompts.length, 6 * (j + 1) / decoders.length);
    return Math.max(0, to - from);
  }

  /** Of a conversation's next turn only what its host lacks is sent. */
  @Test
  void aConversationsNextTurnMovesWhatIsNew() {
    Asked first = Asked.of(50, 10, SAMPLED);
    int[] prompt = Arrays.copyOf(first.prompt(), 300);
    List<Token> answer = first.alone().tokens();
    for (int i = 0; i < answer.size(); i++) {
      prompt[50 + i] = answer.get(i).id();
    }
    Asked second = new Asked(prompt, 12, SAMPLED, List.of());
    try (MemoryPeers peers = new MemoryPeers("a", "b", "p", "app");
        PromptPeers other = new PromptPeers(peers, "p")) {
      peers.serve("a", "b");
      CallerSessions callers = peers.peer("app").callers;
      KvHold hold = callers.hold();
      GenerationResult result = callers.submit(first.submission(null, hold)).await();
      assertThat(result.text()).isEqualTo(first.alone().text());
      long before = other.kvBytes("p", "a");
      result = callers.submit(second.submission(null, hold)).await();
      assertThat(result.text()).isEqualTo(second.alone().text());
      int held = 50 + answer.size() - 1;
      assertThat(result.usage().cachedTokens()).isEqualTo(held);
      long kv = 3L * 8 * (299 - held);
      assertThat(other.kvBytes("p", "a") - before).isBetween(kv, kv + 10 * 25);
      assertThat(peers.peer("a").kv.counts().complete()).isEqualTo(2);
      callers.release(hold);
      peers.settle();
    }
  }

  /** Which rounds it: of these hashes nothing is left, so the text is another one. */
  @Test
  void kvTravelsInFewerBytesOnlyIfThePlanSaysSo() {
    try (MemoryPeers peers = new MemoryPeers("a", "p", "app")) {
      peers.kvWire = KvType.F16;
      try (PromptPeers other = new PromptPeers(peers, "p")) {
        peers.serve("a");
        assertThat(Asked.answer(LONG.on(peers.peer("app").callers))).isNotEqualTo(LONG.alone());
        long kv = 6L * 4 * 199;
        assertThat(other.kvBytes("p", "a")).isBetween(kv, kv + 10 * 25);
        assertThat(peers.peer("a").kv.counts().complete()).isEqualTo(1);
        peers.settle();
      }
    }
  }

  @Test
  void manySessionsAtOnce() {
    try (MemoryPeers peers = new MemoryPeers("a", "b", "p", "q", "app");
        PromptPeers other = new PromptPeers(peers, "p", "q")) {
      peers.serve("a", "b");
      List<Asked> all = new ArrayList<>();
      List<Generation> running = new ArrayList<>();
      for (int i = 0; i < 30; i++) {
        Asked asked = Asked.of(1 + 7 * i, 10 + i, SAMPLED.withSeed(i));
        all.add(asked);
        running.add(asked.on(peers.peer(i % 2 == 0 ? "app" : "b").callers));
      }
      List<Asked.Answer> alone = Asked.alone(all);
      for (int i = 0; i < 30; i++) {
        assertThat(Asked.answer(running.get(i))).as("session " + i).isEqualTo(alone.get(i));
      }
      // A prompt of one token has nothing that could be handed off.
      assertThat(peers.peer("a").kv.counts().complete()).isEqualTo(29);
      assertThat(peers.peer("a").kv.counts().broken()).isZero();
      peers.settle();
    }
  }
}
