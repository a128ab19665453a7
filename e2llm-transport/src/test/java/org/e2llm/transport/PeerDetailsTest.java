package org.e2llm.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.e2llm.E2llmException;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.KeptEnds;
import org.e2llm.plan.Nic;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.transport.cluster.Bytes;
import org.junit.jupiter.api.Test;

/** What peers tell of themselves. */
class PeerDetailsTest {
  private static final DeviceProfile PROFILE =
      new DeviceProfile("a", "laptop", 1e11, 1e10, 2e10, 1e-4, 1L << 30, true, Nic.WIFI);
  private static final Holding HOLDING =
      new Holding(
          "ab".repeat(32), false, 1L << 30, List.of(LayerRange.of(0, 2), LayerRange.of(3, 5)));
  private static final PlanOptions WISHES =
      PlanOptions.builder().pin("a", LayerRange.of(0, 3)).exclude("b").prefer("c").build();

  @Test
  void everythingArrives() {
    PeerDetails said =
        PeerDetails.of(PROFILE, HOLDING, WISHES, Slo.NONE, null, new KeptEnds(2, 1))
            .withLinks(Map.of("b", new LinkBook.Figures(1e8, 2e-4)));
    assertThat(PeerDetails.read(said.toBytes())).isEqualTo(said);
  }

  @Test
  void anSloArrivesAndWhoStatesNoneSaysWhatPeersSaidBeforeThereWasOne() {
    Slo slo = new Slo(2, Double.POSITIVE_INFINITY);
    PeerDetails said = PeerDetails.of(PROFILE, HOLDING, PlanOptions.DEFAULTS, slo, null, null);
    assertThat(PeerDetails.read(said.toBytes())).isEqualTo(said);
    assertThat(said.wishes()).isTrue();
    PeerDetails none = PeerDetails.of(PROFILE, HOLDING, PlanOptions.DEFAULTS, Slo.NONE, null, null);
    assertThat(none.wishes()).isFalse();
    assertThat(none.toBytes().length()).isEqualTo(said.toBytes().length() - 16);
    assertThat(PeerDetails.read(none.toBytes()).slo()).isEqualTo(Slo.NONE);
  }

  @Test
  void aWorkloadArrivesWithAsManyLengthsAsARecordHasRoomFor() {
    List<Workload.Lengths> lengths = new ArrayList<>();
    for (int i = 1; i <= 1000; i++) {
      lengths.add(new Workload.Lengths(i, 2 * i));
    }
    Workload stated = new Workload(lengths, 0.5, 3, 4096);
    PeerDetails said =
        PeerDetails.of(PROFILE, HOLDING, PlanOptions.DEFAULTS, Slo.NONE, stated, null);
    assertThat(said.wishes()).isTrue();
    Workload read = PeerDetails.read(said.toBytes()).workload();
    assertThat(PeerDetails.read(said.toBytes())).isEqualTo(said);
    assertThat(read.lengths()).hasSize(64);
    assertThat(read.meanPrompt()).isCloseTo(stated.meanPrompt(), within(2.0));
    assertThat(read.requestsPerSecond()).isEqualTo(0.5);
    assertThat(read.concurrency()).isEqualTo(3);
    assertThat(read.maxTokens()).isEqualTo(4096);
    byte[] bytes = said.toBytes().toByteArray();
    bytes[bytes.length - 1] = 0;
    bytes[bytes.length - 2] = 0;
    bytes[bytes.length - 3] = 0;
    bytes[bytes.length - 4] = 0; // an answer of no token
    assertThatThrownBy(() -> PeerDetails.read(Bytes.copyOf(bytes)))
        .isInstanceOf(E2llmException.class)
        .hasMessageContaining("output");
  }

  @Test
  void anSloThatCannotBeIsRefused() {
    byte[] bytes =
        PeerDetails.of(PROFILE, HOLDING, WISHES, new Slo(2, 1), null, null).toBytes().toByteArray();
    for (int i = bytes.length - 8; i < bytes.length; i++) {
      bytes[i] = (byte) 0xff; // not a number
    }
    assertThatThrownBy(() -> PeerDetails.read(Bytes.copyOf(bytes)))
        .isInstanceOf(E2llmException.class)
        .hasMessageContaining("tpot");
  }

  @Test
  void linksToThousandsOfPeersStayWithinWhatARecordMayHave() {
    Map<String, LinkBook.Figures> many = new TreeMap<>();
    for (int i = 0; i < 5000; i++) {
      many.put(String.format("%032x", i), new LinkBook.Figures(1e8, 2e-4));
    }
    Bytes bytes =
        PeerDetails.of(PROFILE, HOLDING, WISHES, Slo.NONE, null, new KeptEnds(2, 1))
            .withLinks(many)
            .toBytes();
    assertThat(bytes.length()).isLessThan(16 << 10);
    assertThat(PeerDetails.read(bytes).links()).hasSize(128);
  }

  @Test
  void whatIsCutOffIsRefused() {
    byte[] whole =
        PeerDetails.of(PROFILE, HOLDING, WISHES, Slo.NONE, null, new KeptEnds(2, 1))
            .withLinks(Map.of("b", new LinkBook.Figures(1e8, 2e-4)))
            .toBytes()
            .toByteArray();
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = java.util.Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> PeerDetails.read(Bytes.copyOf(cut)))
          .isInstanceOf(E2llmException.class);
    }
  }
}
