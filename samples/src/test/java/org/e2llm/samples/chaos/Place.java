package org.e2llm.samples.chaos;

import java.util.List;

/**
 * Where a process of a test runs.
 *
 * @param prefix of its command
 * @param address where it listens, {@code host:port}
 */
record Place(List<String> prefix, String address) {}
