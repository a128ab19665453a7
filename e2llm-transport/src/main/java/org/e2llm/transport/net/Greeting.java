package org.e2llm.transport.net;

import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;

/**
 * A hello and what the connection itself needs to know. On the wire: the {@link Hello}, u8 lane,
 * i64 instance, i64 dial; what follows is of later versions.
 *
 * @param lane as the dialling side says; the other side repeats it
 * @param instance a random number that an endpoint takes when it opens: another one means that the
 *     peer was started anew
 * @param dial how many connections the dialling endpoint had dialled before this one
 */
record Greeting(Hello hello, Lane lane, long instance, long dial) {
  void write(FieldWriter out) {
    hello.write(out);
    out.choice(lane).i64(instance).i64(dial);
  }

  static Greeting read(FieldReader in) {
    Hello hello = Hello.read(in);
    Lane lane = in.choice("hello.lane", Lane.values());
    return new Greeting(hello, lane, in.i64("hello.instance"), in.i64("hello.dial"));
  }
}
