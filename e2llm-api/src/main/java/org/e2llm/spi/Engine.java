package org.e2llm.spi;

import java.nio.file.Path;
import org.e2llm.KernelInfo;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Stage;
import org.e2llm.plan.DeviceSpeed;
import org.e2llm.text.ChatTemplate;
import org.e2llm.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** An open model on this device: makes stages of it. */
public interface Engine extends AutoCloseable {
  ModelSpec modelSpec();

  Tokenizer tokenizer();

  /** Never null: an unknown template throws when it is asked to render. */
  ChatTemplate chatTemplate();

  KernelInfo kernels();

  /** Most positions of a session. */
  int contextLength();

  KvType kvType();

  /** Maps the weights of {@code layers} and gives the stage that computes them. */
  Stage stage(LayerRange layers);

  /**
   * How fast this device computes layers like this model's, with the kernels and threads in use.
   *
   * <p>Measured the first time that it is asked for, which blocks the caller for a second or two
   * (three at most, but for what is in progress then) and takes some tens of MB: products of random
   * weights in the type that most of the layers' bytes are in, once the JVM has compiled what they
   * need. Weights of the model are not read, so they need not be there yet. Ask before there is
   * other work: what else runs takes its share. What had not become steady in that time is measured
   * again when it is asked for again.
   *
   * @param cacheFolder where results are kept for the next start, made if it is not there; null to
   *     keep them for the engine's life only. A result counts for the same CPU, limits of CPU time,
   *     kernels, threads, JVM, tensor type and layer shape
   * @throws org.e2llm.WaitInterruptedException if the thread is interrupted meanwhile
   * @throws org.e2llm.ClosedException if the engine is or gets closed
   */
  DeviceSpeed speed(@Nullable Path cacheFolder);

  /** Closes every stage and releases the weights after their last use. */
  @Override
  void close();
}
