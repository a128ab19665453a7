package org.e2llm.spi;

import org.e2llm.model.KvType;
import org.e2llm.model.ModelSource;
import org.jspecify.annotations.Nullable;

/**
 * A model of which this device has the header only; its bytes come from peers as plans need them.
 */
public interface FoundModel extends AutoCloseable {
  /** For an engine: a file of the right size, with holes for what is not here. */
  ModelSource source();

  /** The cluster's context length, which all its devices must have; 0 if the peer did not say. */
  int contextLength();

  /** The cluster's batch; 0 if the peer did not say. */
  int batchRows();

  /** The cluster's type of KV cache; null if the peer did not say. */
  @Nullable KvType kvType();

  /** Goes on with the connections that are open. */
  ClusterLink join(TransportProvider.Joining joining);

  /** Closes files and, where it was not joined, connections. Engines must be closed before. */
  @Override
  void close();
}
