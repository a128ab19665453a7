package org.e2llm.transport.trust;

import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.e2llm.cluster.ClusterException;
import org.jspecify.annotations.Nullable;

/**
 * TLS as peers speak it: version 1.3 only, both sides show a certificate, any certificate will do.
 * That the other side holds its key is shown by TLS; that it belongs to the cluster is not, see
 * {@link Proof}.
 *
 * <p>Safe for several threads.
 */
public final class PeerTls {
  /** AES first: nearly every CPU has instructions for it. ChaCha20 for those that have none. */
  private static final List<String> CIPHERS =
      List.of("TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384");

  private final SSLContext context;
  private final String[] ciphers;

  public PeerTls(Identity identity) {
    try {
      this.context = SSLContext.getInstance("TLSv1.3");
      context.init(
          new KeyManager[] {new OneKey(identity)},
          new TrustManager[] {new AnyCertificate()},
          new SecureRandom());
    } catch (GeneralSecurityException e) {
      throw new ClusterException("this Java runtime has no TLS 1.3", e);
    }
    List<String> supported = new ArrayList<>(CIPHERS);
    supported.retainAll(Arrays.asList(context.getSupportedSSLParameters().getCipherSuites()));
    this.ciphers = supported.toArray(new String[0]);
  }

  /**
   * An engine for one connection. Without the names of host and port, so that no session is ever
   * resumed: each connection shows its certificates anew.
   */
  public SSLEngine engine(boolean dialled) {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(dialled);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setProtocols(new String[] {"TLSv1.3"});
    parameters.setCipherSuites(ciphers);
    parameters.setUseCipherSuitesOrder(true);
    if (!dialled) {
      parameters.setNeedClientAuth(true);
    }
    engine.setSSLParameters(parameters);
    return engine;
  }

  /** For what does not speak through an engine: benchmarks compare with plain sockets of it. */
  public SSLContext context() {
    return context;
  }

  /** SHA-256 of the certificate that the other side showed, once the TLS handshake is done. */
  public static byte[] peerFingerprint(SSLSession session) throws SSLException {
    try {
      Certificate[] chain = session.getPeerCertificates();
      return Fingerprint.sha256(chain[0].getEncoded());
    } catch (CertificateEncodingException e) {
      throw new SSLException("the certificate has no DER form", e);
    }
  }

  /** The same key for every question. */
  private static final class OneKey extends X509ExtendedKeyManager {
    private static final String ALIAS = "peer";
    private final Identity identity;

    OneKey(Identity identity) {
      this.identity = identity;
    }

    @Override
    public @Nullable String chooseEngineClientAlias(
        String[] keyTypes, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
      return Arrays.asList(keyTypes).contains("EC") ? ALIAS : null;
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
        String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
      return keyType.equals("EC") ? ALIAS : null;
    }

    @Override
    public @Nullable String chooseClientAlias(
        String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return chooseEngineClientAlias(keyTypes, issuers, null);
    }

    @Override
    public @Nullable String chooseServerAlias(
        String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return chooseEngineServerAlias(keyType, issuers, null);
    }

    @Override
    public String[] getClientAliases(String keyType, Principal @Nullable [] issuers) {
      return new String[] {ALIAS};
    }

    @Override
    public String[] getServerAliases(String keyType, Principal @Nullable [] issuers) {
      return new String[] {ALIAS};
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return new X509Certificate[] {identity.certificate()};
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return identity.key();
    }
  }

  /** Leaves the decision to {@link Proof}; only what no peer of ours would show is refused. */
  private static final class AnyCertificate extends X509ExtendedTrustManager {
    private static void check(X509Certificate[] chain) throws CertificateException {
      if (chain.length != 1 || !chain[0].getPublicKey().getAlgorithm().equals("EC")) {
        throw new CertificateException(
            "expected is one EC certificate, found are "
                + chain.length
                + ", the first with a key of type "
                + chain[0].getPublicKey().getAlgorithm());
      }
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      check(chain);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
