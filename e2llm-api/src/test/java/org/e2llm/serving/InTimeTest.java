package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.e2llm.pipeline.Role;
import org.junit.jupiter.api.Test;

class InTimeTest {
  private static final double LIMIT = 10;

  private final TwoSpeeds replica =
      new TwoSpeeds(new Role[] {Role.MIXED}, new double[] {100}, 100_000, 0);
  private final InTime inTime = new InTime(0, LIMIT, replica);

  private DispatchedSession session(long id, double arrival, int prompt) {
    DispatchedSession session = new DispatchedSession(id, id, arrival, prompt, 1, false);
    session.promptSeconds = replica.prefillSeconds(0, prompt, 0);
    return session;
  }

  @Test
  void theLongestIsLeftOutWhereNotAllCanBeInTime() {
    List<DispatchedSession> waiting =
        List.of(session(1, 0, 500), session(2, 0, 300), session(3, 0, 300));
    assertThat(inTime.choose(waiting, 0, 0, 0)).isSameAs(waiting.get(1));
    assertThat(waiting).extracting(session -> session.late).containsExactly(true, false, false);
    assertThat(waiting).extracting(session -> session.hopeless).containsOnly(false);
  }

  @Test
  void thereIsNoHopeForWhomEvenTheNextPlaceIsTooLate() {
    List<DispatchedSession> waiting = List.of(session(1, 0, 500), session(2, 0, 300));
    assertThat(inTime.choose(waiting, 6, 0, 0)).isSameAs(waiting.get(1));
    assertThat(waiting).extracting(session -> session.hopeless).containsExactly(true, false);
    assertThat(inTime.choose(waiting, 6, 2, 0)).as("others run first").isNull();
  }

  @Test
  void aHandOffIsPartOfTheTimeToTheFirstToken() {
    DispatchedSession moves = session(1, 0, 300);
    moves.handoffSeconds = 2;
    assertThat(inTime.choose(List.of(moves), 5, 0, 0)).isSameAs(moves);
    assertThat(inTime.choose(List.of(moves), 5.5, 0, 0)).isNull();
    assertThat(moves.hopeless).isTrue();
  }

  @Test
  void whoeverHadBegunIsNeverLate() {
    DispatchedSession back = new DispatchedSession(1, 1, 0, 5000, 1, true);
    back.promptSeconds = 50;
    assertThat(inTime.choose(List.of(back), 1000, 0, 0)).isSameAs(back);
  }

  @Test
  void fewerAreInTimeWherePromptsWereSeenToFollowEachOtherSlowly() {
    List<DispatchedSession> waiting = new ArrayList<>(List.of(session(0, 0, 400)));
    for (int i = 1; i <= 5; i++) {
      waiting.add(session(i, 0, 100));
    }
    inTime.choose(waiting, 0, 0, 0);
    assertThat(waiting).extracting(session -> session.late).containsOnly(false);
    for (int i = 0; i < 50; i++) {
      inTime.begun(session(i, 0, 100), 2 * i, true); // they take a second each
    }
    inTime.choose(waiting, 0, 0, 0);
    assertThat(waiting.get(0).late).isTrue();
  }

  /** As many as in the best of all subsets, each served in the order of arrival. */
  @Property(tries = 300)
  void noChoiceHasMoreInTime(@ForAll long seed) {
    Random random = new Random(seed);
    int n = 1 + random.nextInt(9);
    List<DispatchedSession> waiting = new ArrayList<>();
    double arrival = 0;
    for (int i = 0; i < n; i++) {
      arrival += random.nextDouble() * 2;
      waiting.add(session(i, arrival, 1 + random.nextInt(700)));
    }
    double now = arrival + random.nextDouble() * 4;
    int most = 0;
    for (int subset = 0; subset < 1 << n; subset++) {
      double end = now;
      boolean inTimeAll = true;
      for (int i = 0; i < n; i++) {
        if (((subset >> i) & 1) == 1) {
          end += waiting.get(i).promptSeconds;
          inTimeAll &= end <= waiting.get(i).arrival + LIMIT;
        }
      }
      most = inTimeAll ? Math.max(most, Integer.bitCount(subset)) : most;
    }
    DispatchedSession first = inTime.choose(waiting, now, 0, 0);
    long chosen = waiting.stream().filter(session -> !session.late).count();
    assertThat(chosen).isEqualTo(most);
    assertThat(first == null).isEqualTo(most == 0);
    double end = now;
    for (DispatchedSession session : waiting) {
      if (!session.late) {
        end += session.promptSeconds;
        assertThat(end).isLessThanOrEqualTo(session.arrival + LIMIT + 1e-9);
      }
    }
  }
}
