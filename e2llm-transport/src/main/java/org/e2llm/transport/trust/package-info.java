/**
 * Who a peer is and how it proves that it belongs here: its key and certificate, the TLS 1.3 both
 * sides speak with them, and the HMACs over the cluster secret.
 *
 * <p>TLS alone proves nothing here, since every peer signs its own certificate: it gives encryption
 * and ties a connection to two keys. The proof of the secret, which covers both certificates, says
 * whether the connection goes any further. No sockets and no threads here. {@code docs/security.md}
 * has the threat model.
 */
@NullMarked
package org.e2llm.transport.trust;

import org.jspecify.annotations.NullMarked;
