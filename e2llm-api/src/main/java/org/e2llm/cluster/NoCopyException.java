package org.e2llm.cluster;

import java.util.List;
import org.e2llm.DeviceLostException;
import org.e2llm.model.LayerRange;

/**
 * A generation cannot go on: bytes of some layers lie on no device that is there. Memory is not
 * what is missing; a device that has them, or the model's file, would be enough.
 */
public class NoCopyException extends DeviceLostException {
  private static final long serialVersionUID = 1L;

  private final transient List<LayerRange> layers;

  /**
   * @param layers that nobody has, ascending and apart
   */
  public NoCopyException(List<LayerRange> layers) {
    super(message(layers));
    this.layers = List.copyOf(layers);
  }

  private static String message(List<LayerRange> layers) {
    StringBuilder text = new StringBuilder("no copy of layers ");
    for (int i = 0; i < layers.size(); i++) {
      LayerRange range = layers.get(i);
      text.append(i == 0 ? "" : ", ").append(range.from()).append('-').append(range.to() - 1);
    }
    return text.append(" is left: start a device that has the model's file").toString();
  }

  public List<LayerRange> layers() {
    return layers;
  }
}
