package org.e2llm.kernels.tokenizer;

/**
 * The classes of characters that pre-tokenizers tell apart, as Unicode 15.1 has them (the version
 * of the reference engine).
 *
 * <p>A table of our own rather than {@link Character}: its Unicode version differs between JVMs and
 * Android, and the same text must have the same tokens everywhere.
 */
final class CharacterClass {
  static final byte OTHER = 0;

  /** General categories L*. */
  static final byte LETTER = 1;

  /** General categories N*. */
  static final byte NUMBER = 2;

  /** General categories P*. */
  static final byte PUNCTUATION = 3;

  /** White_Space. */
  static final byte SPACE = 4;

  /**
   * Runs of equal class from U+0000 on: the class ({@code L}, {@code N}, {@code P}, {@code S} for
   * space, {@code .} for others) and the run's length in base 36, left out where it is 1. The last
   * run goes on to U+10FFFF.
   */
  private static final String RUNS =
      ""
          + ".9S5.iSP3.P6.P4NaP2.3P2LqP3.P.LqP.P.7S.qSP.5P.2LP.6N2.LP2.NLPN3PLn.Lv.Lcq.4Lc.eL5.7L"
          + ".L.3lL5.L2.2L4PL.6LPL3.L.Lk.L2b.L3v.8L4m.L12.2LP6L15P2.1fP.P.2P.2P.9Lr.4L4P2.kP2.P2."
          + "dP.P3L17.lNaP4L2.L2rPL.fL2.7L2NaL3.2LPe.2L.Lu.tL2h.bL.eNaLx.9L2.P3L.5Lm.4L.9L.3L.7Pf"
          + ".Lp.5P.Lb.5Lo.L6.hL16.1mL1i.3L.iL.7La.2P2NaPLg.4L8.2L2.2Lm.L7.L.3L4.3L.gL.dL2.L3.4Na"
          + "L2.2N6.2LP.7L6.4L2.2Lm.L7.L2.L2.L2.vL4.L.7Na.2L3.P.eL9.L3.Lm.L7.L2.L5.3L.iL.fL2.4NaP"
          + ".8L.bL8.2L2.2Lm.L7.L2.L5.3L.uL2.L3.4Na.LN6.bL.L6.3L3.L4.3L2.L.L2.3L2.3L3.3Lc.mL.lNd."
          + "iL8.L3.Ln.Lg.3L.qL3.2L.2L2.4Na.7PN7.L.3PL8.L3.Ln.La.L5.3L.vL2.L2.4Na.L2.hL9.L3.L15.2"
          + "L.gL.5L3.N7L3.4Nj.L6.5Li.3Lo.L9.L.2L7.vNa.4P.cL1c.L2.cL7.8PNaP2.11L2.L.L5.Lo.L.La.L2"
          + ".9L.2L5.L.9Na.2L4.wL.3Pf.P.bNk.6P4.2L8.L10.oP.2L5.1vP5.4P2.11L17.kLNaP6L6.4L4.3L.3L2"
          + ".7L3.4Ld.cL.Na.6L12.L.5L.2L17PL99.L4.2L7.L.L4.2L15.L4.2Lx.L4.2L7.L.L4.2Lf.L1l.L4.2L1"
          + "v.5P9Nk.3Lg.gL2e.2L6.2PLh8.PLhSLqP2.3L23P3N3L8.7Li.dLj.3P2.9Li.eLd.L3.fL1g.wP3LP3.L."
          + "3Na.6Na.6Pb.5Na.6L2h.7L5.2Ly.L.5L1y.aLv.11P2NaLu.2L5.bL18.4Lq.6Nb.11Ln.7P2L1h.17Na.6"
          + "Na.6P7LP6.2fL1b.hL8.3NaP7.sP2.4Lu.dL2NaL18.mP4L10.nP5Na.3L3NaL10P2L9.7L17.2L3P8.bP.l"
          + "L4.L6.L2.3L.5L5c.1sL7q.2L6.2L12.2L6.2L8.L.L.L.Lv.2L1h.L7.L.3L3.L7.3L4.2L6.4Ld.5L3.L7"
          + ".3Sb.5PoS2.5SPk.Pd.PcS.gNL.2N6.3P2LNa.3P2.Ld.2tL.4L.2La.L.3L5.6L.L.L.L4.Lb.2L4.5L5.4"
          + "L.N1fL2N5.amP4.tP2.8lN1o.26Nm.h4PeNu.1dP2.vPa.b7Pm.1rP4.wP2.eaL6d.6L4.3L2.5P4NP2L12."
          + "L.5L.2L1k.7LP.fLn.9L7.L7.L7.L7.L7.L7.L7.L7.xP1bLPw.2Pc.bmSP3.L2NPa.2Pc.N9.6PL5.2N3L2"
          + "P.3L2e.6L3PL2iPL4.5L17.L2m.3N4.aLw.1cLg.wNa.uN8.Nf.wNa.13Nf.8wL534.1sLh3h.1vL1aP2L7h"
          + "P3LgNaL2.kL1b.4P.aPLv.2L1yNa.2P6.vL9.2L2v.2L1s.5L2.L.L5.oLg.L3.L4.Ln.dN6.aL1gP4.aL1e"
          + ".qP2Na.oL6P3LPL2.NaLs.8P2Ln.oPLt.7L1b.ePd.LNa.4P2L5.LaNaL5.L15.nL3.L8.4Na.2P4Ln.3L.3"
          + "L1e.L.3L2.2L5.2L.L.oL3P2Lb.5P2L3.cL6.2L6.2L6.9L7.L7.L17.Le.6L37.8P.4Na.6L8mc.cLn.4L1"
          + "d.6isLa6.2L2y.12L7.cL5.5L.La.Ld.L5.L.L2.L2.L30.xLa3P2.gL1s.2L1i.14Lc.kPa.mPz.Pe.P.4P"
          + ".P2.4L5.L3r.4P3.P6.P4NaP2.3P2LqP3.P.LqP.P.P7L2h.3L6.2L6.2L6.2L3.zLc.Lq.Lj.L2.Lf.2Le."
          + "yL3f.5P3.4N19.cN1l.hN2.6sLt.3L1d.gNr.4LwN4.9LkNL8N.5L12.aLu.PL10.4L8PN5.16L4e.2Na.6L"
          + "10.4L10.4L14.8L1g.bPLb.Lf.L7.L2.Lb.Lf.L7.L2.1vL8n.9Lm.aL8.oL6.L16.L9.1xL6.2L.L18.L2."
          + "3L.2Ln.PN8Ln.2N7Lv.8N9.1cLj.L2.5N5LmN6.3PLq.5P.1sL1k.4N2L2Ng.2N1aL.fL4.L3.Lt.aN9.7P9"
          + ".7LtN2PLtN3.wL8.Ls.6N5P7.9L1i.3P7Lm.2N8Lj.5N8Li.7P4.cN7.28L21.1jL1f.dL1f.7N6L10.cNa."
          + "86Nv.L16.3P.2L2.26LtNaL.8Lm.bN4P5.mLi.4P4.12LlN7.kLn.cL1h.fP7.4Nu.L2.2L.dL19.bP2.P4."
          + "eLp.7Na.9L10.fNaP4L.2L.8Lz.P2L.cL1c.eL4P4.4P.2NaLPLP3.Nk.bLi.Lp.cP6.L2.1rL7.L.L4.Lf."
          + "LaP.6L1b.hNa.bL8.2L2.2Lm.L7.L2.L5.3L.iL.cL5.4eL1h.iL4P5NaP2.P.L3.uL1c.kL2PL.8Na.4mL1"
          + "b.iPnL4.10L1c.hP3L.bNa.6Pd.jL17.dLP.6Na.1iLr.lNcP3.L7.55L18.fP.2sL1sNj.cL8.2L.2L8.L2"
          + ".Lo.fL.L.2P3.9Na.1yL8.2L13.gLPL.sL.aL14.7L.4P8.9L.bL1a.gP3LP5.dL21.7Pa.6uL9.L11.hLP5"
          + ".aNt.3P2Lu.34L7.L2.L12.lL.9Na.6L6.L2.Lw.eL.7Na.8mLj.4P2.9L.Ld.Ly.fPdNa.2eL.fNl.16PLp"
          + "m.2uN33.P5.bL5g.218L2pP2.dLts.hL6.33tLg7.6ntLft.7Lv.Na.4P2L27.Na.6Lu.7P.aL1c.7P5.4L4"
          + "P.bNa.N7.Ll.5Lj.j4L1sNnP4.2tL23.5L.1uLd.1sL2PL.sL4qg.8Lye.16L9.6w7L4.L7.L2.L83.fL.tL"
          + "3.2L.eL4.8Lb0.1s4L2z.5Ld.3L9.7La.5P.4dcNk.cNk.30Np.3rL2d.L1z.L2.2L.2L2.2L4.Lc.L.L7.L"
          + "1t.L4.2L8.L7.Ls.L4.L5.L.3L7.L9g.2Lp.Lp.Lv.Lp.Lv.Lp.Lv.Lp.Lv.Lp.L8.2N1e.hzP5.voLv.6L6"
          + ".79L1q.42L19.aL7.2Na.4L.8xLu.iL18.4Na.d2Ls.4Na.kmL7.L4.L2.Lf.L5h.2N9.1cL1w.7L.4Na.4P"
          + "2.ltN1n.N3.N4.24N19.Nf.5eL4.Lr.L2.L.2L.La.L4.L.L.6L.4L.L.L.L3.L2.L.2L.L.L.L.L.L2.L.2"
          + "L4.L7.L4.L4.L.La.Lh.5L3.L5.Lh.g4Nd.25fNa.smLwyo.wL37e.6L66.2L4g2.eL5rl.fLha.1wiLf2.1"
          + "5uL3t7.5L38g.";

  private static final byte[] ASCII = new byte[128];
  private static final int[] STARTS;
  private static final byte[] CLASSES;

  static {
    IntList starts = new IntList(2048);
    IntList classes = new IntList(2048);
    int start = 0;
    for (int i = 0; i < RUNS.length(); ) {
      starts.add(start);
      classes.add(Math.max(0, ".LNPS".indexOf(RUNS.charAt(i++))));
      int length = 0;
      while (i < RUNS.length() && isDigit(RUNS.charAt(i))) {
        length = 36 * length + Character.digit(RUNS.charAt(i++), 36);
      }
      start += Math.max(1, length);
    }
    STARTS = starts.toArray();
    CLASSES = new byte[STARTS.length];
    for (int i = 0; i < CLASSES.length; i++) {
      CLASSES[i] = (byte) classes.get(i);
    }
    for (int c = 0; c < ASCII.length; c++) {
      ASCII[c] = search(c);
    }
  }

  private CharacterClass() {}

  static byte of(int codePoint) {
    return codePoint < ASCII.length ? ASCII[codePoint] : search(codePoint);
  }

  private static byte search(int codePoint) {
    int index = java.util.Arrays.binarySearch(STARTS, codePoint);
    return CLASSES[index >= 0 ? index : -index - 2];
  }

  private static boolean isDigit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
  }
}
