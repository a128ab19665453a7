package org.e2llm.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.e2llm.InvalidRequestException;
import org.e2llm.transport.net.ConnectionStats;
import org.e2llm.transport.net.LinkEstimate;
import org.junit.jupiter.api.Test;

/** When links are probed, and when others hear that one has changed. */
class LinkBookTest {
  private static final long SECOND = 1_000_000_000L;
  private static final List<String> PEERS = List.of("b", "c");

  private final LinkBook book = new LinkBook("a");
  private long now;
  private long bytes;

  @Test
  void aNewLinkIsProbedOnceItIsIdleByThePeerWithTheLowerId() {
    seen("b", 0, 0.4e-3);
    assertThat(book.probe(PEERS, now)).as("nothing is known of its traffic yet").isNull();
    now += SECOND;
    seen("b", 0, 0.4e-3);
    assertThat(book.probe(PEERS, now)).isEqualTo("b");
    assertThat(book.probe(PEERS, now)).as("one at a time").isNull();
    book.probed("b", new LinkEstimate(1e7, 0.2e-3, 1), now);
    assertThat(news()).as("it may not be warm yet").isNull();
    probe(1e8);
    probe(1.1e8);
    assertThat(news().get("b").bytesPerSecond()).isEqualTo(1.1e8);
    idle("b");
    assertThat(book.probe(PEERS, now)).as("it found no more than before").isNull();

    LinkBook other = new LinkBook("z");
    other.observe("b", stats(0, 0, 0), 0);
    other.observe("b", stats(0, 0, 0), SECOND);
    assertThat(other.probe(PEERS, SECOND)).isNull();
  }

  @Test
  void aBusyLinkIsNotProbedAndTellsByItself() {
    for (int i = 0; i < 10; i++) {
      bytes += 50_000_000;
      seen("b", 9e7, 0.4e-3);
      assertThat(book.probe(PEERS, now)).isNull();
      now += SECOND;
    }
    assertThat(news().get("b").bytesPerSecond()).isEqualTo(9e7);
    assertThat(book.measured("b").latencySeconds()).isCloseTo(0.2e-3, within(1e-9));
  }

  @Test
  void theProbesOwnTrafficIsNoTraffic() {
    probe(1e8);
    probe(1e8);
    now += SECOND;
    seen("b", 3e8, 0.4e-3);
    assertThat(news().get("b").bytesPerSecond()).isEqualTo(1e8);
    wait("b", 3e8, 0.4e-3, 20);
    assertThat(news()).isNull();
    wait("b", 6e7, 0.4e-3, 20);
    assertThat(news().get("b").bytesPerSecond()).as("real traffic").isEqualTo(6e7);
  }

  @Test
  void aFailedProbeIsTriedAgainAfterARest() {
    idle("b");
    assertThat(book.probe(PEERS, now)).isEqualTo("b");
    book.failed("b", now);
    assertThat(book.probe(PEERS, now)).isNull();
    now += 31 * SECOND;
    seen("b", 0, 0.4e-3);
    assertThat(book.probe(PEERS, now)).isEqualTo("b");
    book.failed("b", now);
    now += 31 * SECOND;
    seen("b", 0, 0.4e-3);
    assertThat(book.probe(PEERS, now)).as("twice as long").isNull();
    now += 30 * SECOND;
    seen("b", 0, 0.4e-3);
    assertThat(book.probe(PEERS, now)).isEqualTo("b");
  }

  @Test
  void aNewConnectionIsProbedAgain() {
    idle("b");
    probe(1e8);
    probe(1e8);
    assertThat(news()).isNotNull();
    idle("b");
    assertThat(book.probe(PEERS, now)).isNull();
    book.opened("b");
    idle("b");
    assertThat(book.probe(PEERS, now)).isEqualTo("b");
  }

  @Test
  void onlyWhatDiffersByAQuarterForAWhileIsNews() {
    seen("b", 1e8, 0.4e-3);
    assertThat(news()).isNotNull();
    wait("b", 1.2e8, 0.4e-3, 20);
    assertThat(news()).as("a fifth more").isNull();
    wait("b", 5e7, 0.4e-3, 3);
    assertThat(news()).as("half of it, for a moment").isNull();
    wait("b", 1e8, 0.4e-3, 1);
    wait("b", 5e7, 0.4e-3, 3);
    assertThat(news()).as("it began anew").isNull();
    wait("b", 5e7, 0.4e-3, 4);
    assertThat(news().get("b").bytesPerSecond()).isEqualTo(5e7);
  }

  @Test
  void aLatencyIsNewsWhereAPlanCouldDependOnIt() {
    seen("b", 1e8, 0.1e-3);
    assertThat(news()).isNotNull();
    wait("b", 1e8, 0.2e-3, 20);
    assertThat(news()).as("twice as long, but short").isNull();
    wait("b", 1e8, 2e-3, 20);
    assertThat(news().get("b").latencySeconds()).isCloseTo(1e-3, within(1e-9));
  }

  @Test
  void whatOthersTellIsChecked() {
    assertThatThrownBy(() -> new LinkBook.Figures(Double.NaN, 0))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("NaN");
    assertThatThrownBy(() -> new LinkBook.Figures(0, 0))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(() -> new LinkBook.Figures(1e8, -1))
        .isInstanceOf(InvalidRequestException.class);
  }

  private void probe(double finds) {
    idle("b");
    assertThat(book.probe(PEERS, now)).isEqualTo("b");
    book.probed("b", new LinkEstimate(finds, 0.2e-3, 1), now);
  }

  private void idle(String peer) {
    now += SECOND;
    seen(peer, 0, 0.4e-3);
    now += SECOND;
    seen(peer, 0, 0.4e-3);
  }

  private void wait(String peer, double rate, double roundTrip, int seconds) {
    for (int i = 0; i < seconds; i++) {
      now += SECOND;
      seen(peer, rate, roundTrip);
    }
  }

  private void seen(String peer, double rate, double roundTrip) {
    book.observe(peer, stats(bytes, rate, roundTrip), now);
  }

  private Map<String, LinkBook.Figures> news() {
    return book.takeNews();
  }

  private static ConnectionStats stats(long sent, double rate, double roundTrip) {
    long nanos = Math.round(roundTrip * 1e9);
    return new ConnectionStats(0, 0, sent, 0, sent, 0, 0, nanos, nanos, rate);
  }
}
