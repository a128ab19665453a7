/**
 * Text to token ids and back, from what a GGUF file says: {@link
 * org.e2llm.kernels.tokenizer.Tokenizers} reads the vocabulary and picks SentencePiece-style or
 * byte-level BPE.
 *
 * <p>Everything below the factory works on UTF-8 bytes, is immutable once built, and takes time
 * that grows no faster than n log n with the text, whatever the text. Results follow the reference
 * engine (llama.cpp), so that prompts have the tokens a model's users know; character classes come
 * from a table of our own, so that they are the same on every JVM and on Android.
 *
 * <p>No chat templates, no sampling, no file access here.
 */
@NullMarked
package org.e2llm.kernels.tokenizer;

import org.jspecify.annotations.NullMarked;
