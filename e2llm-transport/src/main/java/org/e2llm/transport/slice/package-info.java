/**
 * Bytes of a model from several peers: what a model is (manifest), which of its leaves lie where,
 * and how the ones a device needs come to it.
 *
 * <p>A leaf is at most 1 MiB of one tensor; nothing unverified is ever written to a cache. {@link
 * org.e2llm.transport.slice.SliceFetch}, {@link org.e2llm.transport.slice.ManifestFetch} and {@link
 * org.e2llm.transport.slice.Standby} decide and are pure; {@link
 * org.e2llm.transport.slice.SliceExchange} carries out, over connections of lane BULK that somebody
 * else opens. Files are opened here and nowhere else; what a tensor means is the engine's business.
 */
@NullMarked
package org.e2llm.transport.slice;

import org.jspecify.annotations.NullMarked;
