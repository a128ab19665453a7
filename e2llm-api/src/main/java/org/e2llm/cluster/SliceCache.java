package org.e2llm.cluster;

import java.nio.file.Path;
import org.e2llm.InvalidRequestException;
import org.jspecify.annotations.Nullable;

/**
 * Where a device keeps bytes of models that came from peers. Models used the longest ago give way
 * first; what this device opened itself is never copied here. May be deleted while no peer runs.
 *
 * @param folder null for {@code slices} in the cluster's folder
 * @param maxBytes that all models in it may take
 */
public record SliceCache(@Nullable Path folder, long maxBytes) {
  /** At most 32 GiB, in the cluster's folder. */
  public static final SliceCache DEFAULT = new SliceCache(null, 32L << 30);

  public SliceCache {
    if (maxBytes < 0) {
      throw new InvalidRequestException("a cache of " + maxBytes + " bytes");
    }
  }

  /** The same in another folder. */
  public SliceCache in(Path kept) {
    return new SliceCache(kept, maxBytes);
  }

  /** The same with another limit. */
  public SliceCache ofAtMost(long bytes) {
    return new SliceCache(folder, bytes);
  }
}
