/**
 * What the tests of all modules share: where models and golden values lie that are too large for
 * the repository.
 *
 * <p>Test scope only. It knows nothing of the library it helps to test.
 */
package org.e2llm.testing;
