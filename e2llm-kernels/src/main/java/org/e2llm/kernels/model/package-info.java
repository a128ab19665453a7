/**
 * From token ids or hidden states to hidden states or logits: one short file per architecture, and
 * the parts they share.
 *
 * <p>Read in this order: {@link org.e2llm.kernels.model.Architecture} (what a model is), {@link
 * org.e2llm.kernels.model.LocalStage} (how a batch goes through it), {@link
 * org.e2llm.kernels.model.DecoderLayer}, {@link org.e2llm.kernels.model.Attention}, {@link
 * org.e2llm.kernels.model.KvCache}. Three kinds of type are kept apart: the immutable {@link
 * org.e2llm.kernels.model.ModelConfig}, the immutable {@link org.e2llm.kernels.model.StageWeights},
 * and the mutable {@link org.e2llm.kernels.model.RunState}. No file format is parsed here and no
 * float is multiplied outside {@code math}.
 */
@NullMarked
package org.e2llm.kernels.model;

import org.jspecify.annotations.NullMarked;
