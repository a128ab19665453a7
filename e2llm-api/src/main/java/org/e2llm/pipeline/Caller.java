package org.e2llm.pipeline;

/**
 * To whom a session's tokens go besides the replica's first stage: the app that asked for them, on
 * another device.
 *
 * @param peer its device
 * @param session the caller's own number of the session
 * @param epoch the session's epoch at the caller, who alone raises it
 */
public record Caller(String peer, long session, int epoch) {}
