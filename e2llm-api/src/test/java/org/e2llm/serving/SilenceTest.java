package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SilenceTest {
  private static final Silence.Due ASK = new Silence.Due(7, 1, null);

  private final Silence silence = new Silence();
  private long now = 1;

  /** Time passes until something is due. */
  private List<Silence.Due> next() {
    assertThat(silence.next()).isNotEqualTo(Recovery.NEVER);
    now = Math.max(now, silence.next());
    return silence.due(now);
  }

  @Test
  void aHostIsAskedWhenNothingIsHeard() {
    silence.started(7, 1, now);
    assertThat(silence.due(now + Silence.QUIET - 1)).isEmpty();
    assertThat(next()).containsExactly(ASK);
    assertThat(silence.due(now)).as("once").isEmpty();
  }

  @Test
  void aSessionThatGoesOnIsAskedForAgainAndAgain() {
    silence.started(7, 1, now);
    for (int i = 0; i < 100; i++) {
      assertThat(next()).containsExactly(ASK);
      silence.heard(7, now);
    }
  }

  @Test
  void aHostThatDoesNotAnswerIsAsGoodAsLost() {
    silence.started(7, 1, now);
    assertThat(next()).containsExactly(ASK);
    long asked = now;
    assertThat(next()).containsExactly(new Silence.Due(7, 1, "its host did not answer"));
    assertThat(now - asked).isEqualTo(Silence.ANSWER);
    assertThat(silence.next()).isEqualTo(Recovery.NEVER);
  }

  @Test
  void tokensThatAreSampledAndDoNotComeWereLost() {
    silence.started(7, 1, now);
    assertThat(next()).containsExactly(ASK);
    silence.owed(7, false, now);
    long told = now;
    assertThat(next()).as("a further question").containsExactly(ASK);
    silence.owed(7, false, now);
    assertThat(next()).containsExactly(new Silence.Due(7, 1, "tokens were lost on their way"));
    assertThat(now - told).isEqualTo(Silence.LATE);
  }

  /** On a slow link they take long, and none is lost as long as the next one comes. */
  @Test
  void aTokenShowsThatThoseBeforeItWereNotLost() {
    silence.started(7, 1, now);
    silence.owed(7, true, now);
    for (int i = 0; i < 100; i++) {
      now += Silence.LATE - 1;
      assertThat(silence.due(now)).as("nothing to ask: all are sampled").isEmpty();
      silence.token(7, now);
    }
    assertThat(next()).containsExactly(new Silence.Due(7, 1, "tokens were lost on their way"));
  }

  @Test
  void whatWasOwedInAnEarlierEpochIsForgotten() {
    silence.started(7, 1, now);
    silence.owed(7, true, now);
    silence.started(7, 2, now);
    assertThat(next()).containsExactly(new Silence.Due(7, 2, null));
    silence.ended(7);
    assertThat(silence.next()).isEqualTo(Recovery.NEVER);
  }

  /** Whatever was said before the silence, it ends. */
  @Property(tries = 300)
  void noSilenceLasts(@ForAll @Size(max = 40) List<@IntRange(max = 4) Integer> events) {
    silence.started(7, 1, now);
    for (int event : events) {
      now += event * 700_000_000L;
      switch (event) {
        case 0 -> silence.heard(7, now);
        case 1 -> silence.token(7, now);
        case 2 -> silence.owed(7, false, now);
        case 3 -> silence.owed(7, true, now);
        default -> {
          if (silence.due(now).stream().anyMatch(due -> due.reason() != null)) {
            return; // ended
          }
        }
      }
    }
    long from = now;
    List<Silence.Due> due = next();
    while (due.get(0).reason() == null) {
      due = next();
    }
    assertThat(now - from).isLessThanOrEqualTo(Silence.QUIET + Silence.ANSWER);
  }
}
