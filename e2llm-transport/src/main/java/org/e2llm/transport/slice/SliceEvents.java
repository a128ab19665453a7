package org.e2llm.transport.slice;

import java.util.List;
import org.e2llm.E2llmException;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelSource;

/** What happens in an exchange; called one at a time, on its threads, and must be quick. */
public interface SliceEvents {
  /**
   * The model is known. An engine can open it from here on; a stage needs the leaves of its layers
   * first.
   *
   * @param source a file of the right size with holes, or the app's own; valid until the exchange
   *     is closed
   */
  default void ready(ModelSource source, ModelLayout layout) {}

  /**
   * All bytes of these layers are here, with what stages at either end of the model need besides;
   * told when it has changed, or might have.
   *
   * @param layers ascending and apart
   */
  default void held(List<LayerRange> layers) {}

  /** How far it is; some times a second while something comes. */
  default void progress(SliceProgress plan, SliceProgress standby) {}

  /** A peer sent wrong bytes, and is not asked again. */
  default void excluded(String peer, String why) {}

  /** What was aimed at cannot be had; the next aim may. */
  default void failed(E2llmException why) {}
}
