package org.e2llm.kernels.model;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.kernels.gguf.GgufFile;
import org.e2llm.kernels.gguf.TensorInfo;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelLayout.Part;

/** Says of every tensor of a file which stages read it, as {@link StageWeights#needs} has it. */
public final class ModelLayouts {
  private ModelLayouts() {}

  /**
   * The layout of an open file or set.
   *
   * @throws org.e2llm.E2llmException for a model that {@link Model} refuses
   */
  public static ModelLayout of(GgufFile file) {
    Model model = Model.of(file, 0);
    int layers = model.config().layerCount();
    List<ModelLayout.File> files = new ArrayList<>();
    for (int i = 0; i < file.files(); i++) {
      files.add(new ModelLayout.File(file.source(i), file.fileBytes(i), file.dataStart(i)));
    }
    List<ModelLayout.Tensor> tensors = new ArrayList<>();
    for (TensorInfo tensor : file.tensors().values()) {
      int layer = layer(tensor.name(), layers);
      tensors.add(
          new ModelLayout.Tensor(
              tensor.name(),
              layer >= 0 ? Part.LAYER : part(tensor.name()),
              layer,
              tensor.file(),
              tensor.offset(),
              tensor.bytes()));
    }
    return new ModelLayout(layers, model.isTied(), files, tensors);
  }

  /** The number in {@code blk.N.…} if the model has such a layer, or -1. */
  private static int layer(String name, int layers) {
    int dot = name.startsWith("blk.") ? name.indexOf('.', 4) : -1;
    try {
      int layer = dot < 0 ? -1 : Integer.parseInt(name.substring(4, dot));
      return layer < layers ? layer : -1;
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  private static Part part(String name) {
    switch (name) {
      case TensorLayout.TOKEN_EMBEDDING:
        return Part.EMBEDDING;
      case TensorLayout.OUTPUT_NORM:
      case TensorLayout.OUTPUT:
      case TensorLayout.OUTPUT_BIAS:
        return Part.OUTPUT;
      case TensorLayout.ROPE_FREQS:
      case TensorLayout.ROPE_FACTORS_LONG:
      case TensorLayout.ROPE_FACTORS_SHORT:
        return Part.SHARED;
      default:
        return Part.UNUSED;
    }
  }
}
