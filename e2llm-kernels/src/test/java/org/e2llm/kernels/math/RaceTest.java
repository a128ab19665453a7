package org.e2llm.kernels.math;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RaceTest {
  private final Race race = new Race();

  @Test
  void theChallengerTakesNoMoreTimeThanTheSteadyOne() {
    assertThat(race.wantsChallenger()).isTrue();
    race.challenger(1, 1000);
    assertThat(race.wantsChallenger()).isFalse();
    race.steady(10, 999);
    assertThat(race.wantsChallenger()).isFalse();
    race.steady(10, 1);
    assertThat(race.wantsChallenger()).isTrue();
  }

  @Test
  void itIsWonByBeingFasterSeveralTimesInARow() {
    race.steady(100, 1000);
    for (int lap = 0; lap < 3; lap++) {
      race.challenger(10, 50);
    }
    race.challenger(10, 5000);
    for (int lap = 0; lap < 3; lap++) {
      race.challenger(10, 50);
    }
    assertThat(race.isWon()).isFalse();
    race.challenger(10, 50);
    assertThat(race.isWon()).isTrue();
  }

  @Test
  void aChallengerWithoutAnOpponentDoesNotWin() {
    for (int lap = 0; lap < 10; lap++) {
      race.challenger(10, 1);
      race.steady(0, 0);
    }
    assertThat(race.isWon()).isFalse();
  }
}
