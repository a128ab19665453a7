package org.e2llm.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.e2llm.ClosedException;
import org.e2llm.InvalidRequestException;
import org.junit.jupiter.api.Test;

class SecretTest {
  private static final byte[] PART = {1, 2, 3};

  @Test
  void whatIsRevealedParsesToTheSameSecret() {
    for (int i = 0; i < 100; i++) {
      Secret secret = Secret.generate();
      Secret copy = Secret.parse(secret.reveal());
      assertThat(copy).isEqualTo(secret);
      assertThat(copy.hmac("use", PART)).isEqualTo(secret.hmac("use", PART));
    }
  }

  @Test
  void generatedSecretsDifferInEverySymbol() {
    Set<String> texts = new HashSet<>();
    Set<Character> first = new HashSet<>();
    Set<Character> beforeCheck = new HashSet<>();
    for (int i = 0; i < 2000; i++) {
      String text = Secret.generate().reveal();
      texts.add(text);
      first.add(text.charAt(0));
      beforeCheck.add(text.charAt(text.length() - 2));
    }
    assertThat(texts).hasSize(2000);
    assertThat(first).hasSize(32);
    assertThat(beforeCheck).hasSize(32);
  }

  @Test
  void copyingMayLoseDashesCaseAndLineBreaks() {
    Secret secret = Secret.parse("0000-1111-2222-3333-4444-5555-66" + check("66"));
    assertThat(Secret.parse(secret.reveal().toLowerCase(Locale.ROOT).replace("-", "")))
        .isEqualTo(secret);
    assertThat(Secret.parse("  " + secret.reveal().replace('-', '\u2013') + "\r\n"))
        .isEqualTo(secret);
    assertThat(Secret.parse(secret.reveal().replace('0', 'o').replace('1', 'l'))).isEqualTo(secret);
  }

  @Test
  void everyWrongCharacterIsNoticed() {
    String text = Secret.generate().reveal();
    for (int at = 0; at < text.length(); at++) {
      if (text.charAt(at) != '-') {
        for (char wrong : "0123456789ABCDEFGHJKMNPQRSTVWXYZ".toCharArray()) {
          if (wrong != text.charAt(at)) {
            String mistyped = text.substring(0, at) + wrong + text.substring(at + 1);
            assertThatThrownBy(() -> Secret.parse(mistyped))
                .isInstanceOf(InvalidRequestException.class);
          }
        }
      }
    }
  }

  @Test
  void everyTwoSwappedCharactersAreNoticed() {
    String text = Secret.generate().reveal().replace("-", "");
    for (int a = 0; a < text.length(); a++) {
      for (int b = a + 1; b < text.length(); b++) {
        if (text.charAt(a) != text.charAt(b)) {
          StringBuilder swapped = new StringBuilder(text);
          swapped.setCharAt(a, text.charAt(b));
          swapped.setCharAt(b, text.charAt(a));
          assertThatThrownBy(() -> Secret.parse(swapped))
              .isInstanceOf(InvalidRequestException.class);
        }
      }
    }
  }

  @Test
  void errorsSayWhatIsWrongButNeverQuoteTheSecret() {
    String text = Secret.generate().reveal();
    assertThatThrownBy(() -> Secret.parse(text.substring(0, 20)))
        .hasMessageContaining("expected are 27")
        .hasMessageNotContaining(text.substring(0, 4));
    assertThatThrownBy(() -> Secret.parse(text.substring(0, 7) + "!"))
        .hasMessageContaining("character 8")
        .hasMessageNotContaining(text.substring(0, 4));
    assertThatThrownBy(() -> Secret.fromPassPhrase("short phras", "kitchen"))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("11 characters, at least 12")
        .hasMessageNotContaining("phras,");
  }

  @Test
  void nothingButRevealShowsIt() {
    Secret secret = Secret.generate();
    assertThat(secret.toString()).isEqualTo("Secret[hidden]");
    assertThat(secret).hasSameHashCodeAs(Secret.generate());
    assertThat(secret).isNotEqualTo(Secret.generate());
  }

  @Test
  void passPhraseGivesTheSameSecretForTheSameClusterOnly() {
    Secret secret = Secret.fromPassPhrase("correct horse battery", "kitchen");
    // Python: hashlib.pbkdf2_hmac('sha256', phrase, b'e2llm pass phrase 1 kitchen', 600000, 26),
    // each byte & 31, in Crockford's alphabet; without the check character.
    assertThat(secret.reveal()).startsWith("4KBQ-V3T4-YEGD-48QY-QZZF-SG3B-DR");
    assertThat(Secret.fromPassPhrase(" correct horse battery\n", "kitchen")).isEqualTo(secret);
    assertThat(Secret.fromPassPhrase("correct horse battery", "cellar")).isNotEqualTo(secret);
  }

  @Test
  void accentsMayBeComposedOrNot() {
    assertThat(Secret.fromPassPhrase("caf\u00e9 cr\u00e8me br\u00fbl\u00e9e", "c"))
        .isEqualTo(Secret.fromPassPhrase("cafe\u0301 cre\u0300me bru\u0302le\u0301e", "c"));
  }

  @Test
  void hmacKeepsLabelsAndPartsApart() {
    Secret secret = Secret.generate();
    byte[] ab = {'a', 'b'};
    byte[] a = {'a'};
    byte[] b = {'b'};
    byte[] empty = {};
    Set<String> macs = new HashSet<>();
    macs.add(java.util.Arrays.toString(secret.hmac("x", ab)));
    macs.add(java.util.Arrays.toString(secret.hmac("x", a, b)));
    macs.add(java.util.Arrays.toString(secret.hmac("x", ab, empty)));
    macs.add(java.util.Arrays.toString(secret.hmac("xa", b)));
    macs.add(java.util.Arrays.toString(Secret.generate().hmac("x", ab)));
    assertThat(macs).hasSize(5);
  }

  @Test
  void wipedSecretCannotBeUsed() {
    Secret secret = Secret.generate();
    secret.close();
    assertThatThrownBy(secret::reveal).isInstanceOf(ClosedException.class);
    assertThatThrownBy(() -> secret.hmac("x")).isInstanceOf(ClosedException.class);
  }

  /** The check character of 0000-1111-2222-3333-4444-5555-66, found by trying. */
  private static String check(String end) {
    for (char c : "0123456789ABCDEFGHJKMNPQRSTVWXYZ".toCharArray()) {
      try {
        return Secret.parse("0000-1111-2222-3333-4444-5555-" + end + c).reveal().substring(32);
      } catch (InvalidRequestException tryTheNext) {
        // Only one of the 32 fits.
      }
    }
    throw new AssertionError("no character fits");
  }
}
