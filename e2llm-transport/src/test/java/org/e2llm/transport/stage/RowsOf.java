package org.e2llm.transport.stage;

import java.util.List;
import java.util.Map;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.testing.FakeStage;

/** Makes {@link BatchRows} of one session that goes on. */
final class RowsOf {
  private RowsOf() {}

  static BatchRows session(Batch.Slice slice, Replay replay, int place) {
    FakeStage stage = new FakeStage(LayerRange.of(0, 1), 2, 16, batch -> {});
    RingSession session = new RingSession(stage.open(99, 0, 100), 100, null, replay);
    return BatchRows.of(List.of(slice), Map.of(slice.session(), session), place);
  }
}
