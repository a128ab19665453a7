package org.e2llm.text;

/**
 * A piece of a prompt. Neighbouring pieces are tokenised as one text; only where {@code
 * parseSpecial} is set may special tokens be recognised, so that what a user wrote can never become
 * one.
 *
 * @param text the characters
 * @param parseSpecial whether special tokens are recognised inside
 */
public record TextSegment(String text, boolean parseSpecial) {}
