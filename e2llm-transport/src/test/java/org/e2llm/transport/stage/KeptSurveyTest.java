package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.e2llm.pipeline.Caller;
import org.junit.jupiter.api.Test;

/** For how long a host may reckon with what stages said when they were set up. */
class KeptSurveyTest {
  private static final Caller CALLER = new Caller("app", 5, 1);
  private static final int KEPT_SECONDS = 10;

  private final KeptSurvey survey = new KeptSurvey(new int[] {2, 2});

  /** Both stages, at once. */
  private void tell(int atSecond) {
    KeptSession.Report report =
        new KeptSession.Report(KeptSession.Whose.of(CALLER), 50, 0, 100, KEPT_SECONDS * 1000);
    survey.add(0, List.of(report), seconds(atSecond));
    survey.add(1, List.of(report), seconds(atSecond));
  }

  private int heldAt(int second) {
    return survey.take(CALLER, 100, 51, seconds(second)).length();
  }

  private static long seconds(int count) {
    return TimeUnit.SECONDS.toNanos(count);
  }

  @Test
  void whatIsKeptGrowsNoOlderWhileStagesAreMissing() {
    tell(3);
    survey.whole(seconds(60));
    assertThat(heldAt(60 + KEPT_SECONDS - 3)).isEqualTo(50);
  }

  @Test
  void onceAllAreThereItDoes() {
    tell(3);
    survey.whole(seconds(60));
    // Frames are under way for a moment.
    assertThat(heldAt(60 + KEPT_SECONDS - 2)).isZero();
  }

  @Test
  void aSetUpThatTakesTooLongKeepsNothing() {
    tell(0);
    survey.whole(KeptStages.LONGEST_SET_UP + seconds(KEPT_SECONDS));
    assertThat(heldAt(130)).isZero();
  }
}
