package org.e2llm.transport.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.InvalidRequestException;
import org.e2llm.cluster.ClusterMismatchException;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.junit.jupiter.api.Test;

class HelloTest {
  private static final Hello HELLO =
      Hello.of("kitchen", "phone").withModel("m", Map.of("kvType", "F16", "batch", "8"));

  @Test
  void greetingIsReadBackAndWhatLaterVersionsAddIsIgnored() throws Exception {
    InetSocketAddress v6 = new InetSocketAddress(InetAddress.getByName("::"), 7);
    Greeting greeting = new Greeting(HELLO.withListen(List.of(v6)), Lane.BULK, -5, 9);
    FieldWriter out = new FieldWriter(16);
    greeting.write(out);
    out.string("a field of version 2");
    assertThat(Greeting.read(new FieldReader(out.payload()))).isEqualTo(greeting);
  }

  @Test
  void wildcardStandsForTheAddressThatIsSeen() throws Exception {
    InetAddress seen = InetAddress.getByName("192.168.1.7");
    InetSocketAddress any = new InetSocketAddress(InetAddress.getByName("0.0.0.0"), 4000);
    InetSocketAddress any6 = new InetSocketAddress(InetAddress.getByName("::"), 4000);
    InetSocketAddress fixed = new InetSocketAddress(InetAddress.getByName("10.0.0.1"), 5000);
    assertThat(HELLO.withListen(List.of(any, any6, fixed)).reachableAt(seen))
        .containsExactly(new InetSocketAddress(seen, 4000), fixed);
  }

  @Test
  void helloIsBounded() {
    assertThatThrownBy(() -> Hello.of("x".repeat(129), ""))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("cluster has 129");
    Map<String, String> many = new HashMap<>();
    for (int i = 0; i < 33; i++) {
      many.put("setting" + i, "x");
    }
    assertThatThrownBy(() -> HELLO.withModel("m", many))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("settings has 33");
    assertThatThrownBy(() -> new Hello(2, 1, "k", "", Map.of(), List.of(), ""))
        .isInstanceOf(InvalidRequestException.class);
  }

  @Test
  void theLargestHelloFitsIntoItsFrame() {
    Map<String, String> settings = new HashMap<>();
    for (int i = 0; i < 32; i++) {
      settings.put("n".repeat(126) + (10 + i), "v".repeat(128));
    }
    FieldWriter out = new FieldWriter(16);
    String text = "t".repeat(128);
    new Greeting(new Hello(1, 1, text, text, settings, List.of(), text), Lane.HOT, 1, 1).write(out);
    assertThat(out.size()).isLessThan(12 << 10);
  }

  @Test
  void whatOnlyOneSideHasIsNoConflict() {
    Hello plain = Hello.of("kitchen", "tv");
    assertThat(Refusal.between(HELLO, plain)).isNull();
    assertThat(Refusal.between(plain, HELLO)).isNull();
    assertThat(Refusal.between(HELLO, plain.withModel("m", Map.of("context", "4096")))).isNull();
    assertThat(Refusal.between(HELLO, plain.withModel("", Map.of("kvType", "Q8_0")))).isNotNull();
  }

  @Test
  void refusalReadsTheSameFromBothSides() {
    FieldWriter out = new FieldWriter(16);
    Refusal.mismatch("model", "m1", "y".repeat(3000)).write(out);
    Refusal read = Refusal.read(new FieldReader(out.payload()));
    ClusterMismatchException told = (ClusterMismatchException) read.toException(false);
    assertThat(told.theirs()).isEqualTo("m1");
    assertThat(told.ours()).startsWith("yyy");
  }
}
