package org.e2llm.transport.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.e2llm.transport.wire.FrameType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LinkProbeTest {
  private static final long MS = 1_000_000;

  /**
   * A link on which each frame takes its time, with another rate for a while when the last round of
   * filler begins.
   */
  private static final class Link implements LinkProbe.Out {
    private static final int LAST_ROUND = 4 + 4 + 16;
    private static final int START_FRAMES = 5;

    private final double startRate;
    private final double bytesPerSecond;
    private int frames;
    private int pings;
    private long roundAt;
    private long heldUp;
    private long now;
    private final LinkProbe here = new LinkProbe(this, () -> now);
    private final LinkProbe there = new LinkProbe(new Answers(), () -> now);

    Link(double startRate, double bytesPerSecond) {
      this.startRate = startRate;
      this.bytesPerSecond = bytesPerSecond;
    }

    private final class Answers implements LinkProbe.Out {
      @Override
      public void ping() {
        throw new AssertionError("the other side measures nothing");
      }

      @Override
      public void probe(byte type, ByteBuffer payload, @Nullable Runnable released) {
        assertThat(type).isEqualTo(FrameType.PROBE_RESULT);
        here.result(new FieldReader(payload));
      }
    }

    @Override
    public void ping() {
      pings++;
    }

    @Override
    public void probe(byte type, ByteBuffer payload, @Nullable Runnable released) {
      assertThat(type).isEqualTo(FrameType.PROBE);
      roundAt = frames == LAST_ROUND ? now : roundAt;
      boolean starts = frames >= LAST_ROUND && frames < LAST_ROUND + START_FRAMES;
      frames++;
      double rate = starts ? startRate : bytesPerSecond;
      now += heldUp + (long) (payload.remaining() / rate * 1e9);
      heldUp = 0;
      there.filler(payload);
      released.run();
    }
  }

  @Test
  void rateIsThatOfTheSecondHalfAndLatencyHalfTheShortestRoundTrip() {
    Link link = new Link(1e9 / 2, 1e9);
    CompletableFuture<LinkEstimate> result = link.here.start();
    assertThat(link.here.start()).isSameAs(result);
    for (int rtt : new int[] {5, 3, 4}) {
      link.here.pong(rtt * MS);
    }
    assertThat(result).isNotDone();
    link.here.pong(9 * MS);
    assertThat(link.pings).isEqualTo(4);
    assertThat(result).isCompleted();
    assertThat(result.join().latencySeconds()).isEqualTo(1.5e-3);
    assertThat(result.join().bytesPerSecond()).isCloseTo(1e9, within(1e8));
    assertThat(result.join().bytes()).isLessThanOrEqualTo(6L << 20);
  }

  @Test
  void whatIsReadLateDoesNotMakeALinkFast() {
    Link link = new Link(1e6, 1e12); // the rest has arrived while the other side slept
    CompletableFuture<LinkEstimate> result = link.here.start();
    for (int i = 0; i < 4; i++) {
      link.here.pong(MS);
    }
    double most = (4 << 20) / ((link.now - link.roundAt) / 1e9);
    assertThat(result.join().bytesPerSecond()).isCloseTo(most, within(most / 10));
  }

  @Test
  void aSlowLinkIsMeasuredInTime() {
    Link link = new Link(62_500, 62_500); // half a megabit per second
    CompletableFuture<LinkEstimate> result = link.here.start();
    for (int i = 0; i < 4; i++) {
      link.here.pong(MS);
    }
    assertThat(link.now).isLessThan(1_500 * MS);
    assertThat(result.join().bytesPerSecond()).isCloseTo(62_500, within(6_000.0));
  }

  /** One that is held up for a moment, or whose code is not compiled yet. */
  @Test
  void aDeviceThatIsHeldUpDoesNotMakeALinkSlow() {
    Link link = new Link(1e8, 1e8);
    CompletableFuture<LinkEstimate> result = link.here.start();
    for (int i = 0; i < 3; i++) {
      link.here.pong(MS);
    }
    link.heldUp = 400 * MS;
    link.here.pong(MS);
    assertThat(result.join().bytesPerSecond()).isCloseTo(1e8, within(1e7));
  }

  @Test
  void resultsNobodyAskedForAreNotTaken() {
    Link link = new Link(1e9 / 2, 1e9);
    link.here.result(new FieldReader(new FieldWriter(16).i64(5).i64(5).payload()));
    CompletableFuture<LinkEstimate> result = link.here.start();
    link.here.result(new FieldReader(new FieldWriter(16).i64(5).i64(5).payload()));
    assertThat(result).isNotDone();
    assertThatThrownBy(
            () -> link.here.result(new FieldReader(new FieldWriter(16).i64(-1).i64(5).payload())))
        .isInstanceOf(ProtocolException.class);
  }

  @Test
  void fillerWithoutAnEndCostsNothing() {
    Link link = new Link(1e9 / 2, 1e9);
    for (int i = 0; i < 10_000; i++) {
      link.there.filler(ByteBuffer.allocate(10));
    }
    link.there.filler(ByteBuffer.allocate(0));
    assertThat(link.here.dueIn(0)).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void itGivesUpAfterAWhile() {
    Link link = new Link(1e9 / 2, 1e9);
    CompletableFuture<LinkEstimate> result = link.here.start();
    assertThat(link.here.dueIn(10_000 * MS)).isZero();
    link.here.fail(new ClusterException("too late"));
    assertThat(result).isCompletedExceptionally();
    assertThat(link.here.dueIn(0)).isEqualTo(Long.MAX_VALUE);
  }
}
