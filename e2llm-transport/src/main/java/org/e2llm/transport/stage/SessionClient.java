package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.e2llm.E2llmException;
import org.e2llm.InvalidRequestException;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.TokenSink;
import org.e2llm.serving.CallerSessions;
import org.e2llm.serving.SessionHosts;
import org.e2llm.text.Sampled;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * Both ends of what callers and hosts say: requests of this device's app go to hosts, requests of
 * others to {@link #hosted}, and answers back; what stays on this device takes no frame.
 * Thread-safe.
 */
public final class SessionClient implements SessionHosts, TokenSink {
  private static final int CANCEL = 0;
  private static final int RECEIVED = 1;
  private static final int RELEASE = 2;
  private static final int ASK = 3;

  private static final int INTERRUPTED = 0;
  private static final int FAILED = 1;
  private static final int FINISHED = 2;
  private static final int GOES_ON = 3;

  private final Links links;
  private final int vocabularySize;
  private final HostedSessions hosted;
  private volatile @Nullable CallerSessions callers;

  public SessionClient(Links links, int vocabularySize) {
    this(links, vocabularySize, System::nanoTime);
  }

  /** As above, with the clock that {@link HostedSessions} reads. */
  SessionClient(Links links, int vocabularySize, LongSupplier clock) {
    this.hosted = new HostedSessions(links.self(), new Answering(), clock);
    this.links = links;
    this.vocabularySize = vocabularySize;
  }

  /** Before anything is started. */
  public void deliverTo(CallerSessions sessions) {
    callers = sessions;
  }

  private CallerSessions callers() {
    return Objects.requireNonNull(callers, "callers");
  }

  /** Sessions that run here. */
  public HostedSessions hosted() {
    return hosted;
  }

  // To hosts.

  @Override
  public String self() {
    return links.self();
  }

  @Override
  public void start(String host, Request request) {
    if (host.equals(links.self())) {
      hosted.start(host, request);
      return;
    }
    if (request.sampling().processor() != null) {
      throw new InvalidRequestException(
          "a logits processor needs the first stage on the device of the app: pin the first layers"
              + " to this device, or share its memory with the cluster");
    }
    FieldWriter out = new FieldWriter(128 + 4 * request.tokens().length);
    SessionCodec.writeRequest(out, request);
    if (!links.send(host, StageFrames.SUBMIT, SamplingCodec.copy(out), null)) {
      callers().interrupted(request.session(), request.epoch(), host + " cannot be reached");
    }
  }

  @Override
  public void stop(String host, long session, int epoch) {
    if (host.equals(links.self())) {
      hosted.stop(host, session, epoch);
      return;
    }
    notice(host, session, epoch, CANCEL, 0);
  }

  @Override
  public void received(String host, long session, int epoch, int tokens) {
    // Who is on this device is never far behind.
    if (!host.equals(links.self())) {
      notice(host, session, epoch, RECEIVED, tokens);
    }
  }

  @Override
  public void ask(String host, long session, int epoch, int tokens) {
    if (host.equals(links.self())) {
      hosted.asked(host, session, epoch, tokens);
    } else {
      notice(host, session, epoch, ASK, tokens);
    }
  }

  @Override
  public void release(String host, long hold) {
    if (host.equals(links.self())) {
      hosted.release(host, hold);
      return;
    }
    notice(host, hold, 0, RELEASE, 0);
  }

  private void notice(String host, long number, int epoch, int what, int tokens) {
    FieldWriter out = new FieldWriter(17).i64(number).i32(epoch).u8(what).i32(tokens);
    links.send(host, StageFrames.NOTICE, SamplingCodec.copy(out), null);
  }

  // Frames.

  /** Whether frames of this type are for this. */
  public static boolean takes(byte type) {
    return type >= StageFrames.TOKEN && type <= StageFrames.STATE;
  }

  /** A frame came; on the net thread. */
  public void received(String peer, byte type, ByteBuffer payload) {
    FieldReader in = new FieldReader(payload);
    if (type == StageFrames.SUBMIT) {
      submitted(peer, in);
      return;
    }
    long session = in.i64("session");
    int epoch = in.i32("session.epoch", 0, Integer.MAX_VALUE);
    switch (type) {
      case StageFrames.TOKEN:
        int position = in.i32("token.position", 0, Integer.MAX_VALUE);
        callers().sampled(session, epoch, position, SamplingCodec.readSampled(in, vocabularySize));
        break;
      case StageFrames.NOTICE:
        noticed(peer, session, epoch, in);
        break;
      case StageFrames.PREFILLED:
        int done = in.i32("prefilled.position", 0, Integer.MAX_VALUE);
        callers().prefilled(session, epoch, done, in.i32("prefilled.cached", 0, done));
        break;
      case StageFrames.STATE:
        state(session, epoch, in);
        break;
      default:
        throw new ProtocolException("frame type " + type + " is none of a session");
    }
    in.end("frame of a session");
  }

  private void submitted(String peer, FieldReader in) {
    long session = in.i64("session");
    int epoch = in.i32("session.epoch", 0, Integer.MAX_VALUE);
    SessionHosts.Request request;
    try {
      request = SessionCodec.readRequest(session, epoch, in, vocabularySize);
    } catch (InvalidRequestException e) { // well-formed, and nothing that can be computed
      new Answering().failed(new Caller(peer, session, epoch), e);
      return;
    }
    hosted.start(peer, request);
  }

  private void noticed(String peer, long number, int epoch, FieldReader in) {
    int what = in.u8("notice.what");
    int tokens = in.i32("notice.tokens", 0, Integer.MAX_VALUE);
    if (what == CANCEL) {
      hosted.stop(peer, number, epoch);
    } else if (what == RECEIVED) {
      hosted.received(peer, number, epoch, tokens);
    } else if (what == RELEASE) {
      hosted.release(peer, number);
    } else if (what == ASK) {
      hosted.asked(peer, number, epoch, tokens);
    } else {
      throw new ProtocolException("notice.what is " + what + ", expected is 0 to 3");
    }
  }

  private void state(long session, int epoch, FieldReader in) {
    int how = in.u8("state.how");
    if (how == INTERRUPTED) {
      callers().interrupted(session, epoch, in.string("state.why"));
    } else if (how == FINISHED) {
      callers().finished(session, epoch, in.i32("state.tokens", 0, Integer.MAX_VALUE));
    } else if (how == FAILED) {
      callers().failed(session, epoch, ResultsCodec.readError(in));
    } else if (how == GOES_ON) {
      callers().goesOn(session, epoch, in.i32("state.tokens", 0, Integer.MAX_VALUE));
    } else {
      throw new ProtocolException("state.how is " + how + ", expected is 0 to 3");
    }
  }

  // What is sampled or happens here for callers.

  @Override
  public void sampled(Caller caller, int position, Sampled token) {
    if (caller.peer().equals(links.self())) {
      callers().sampled(caller.session(), caller.epoch(), position, token);
      return;
    }
    FieldWriter out = new FieldWriter(64);
    SessionCodec.writeToken(out, caller, position, token);
    links.send(caller.peer(), StageFrames.TOKEN, SamplingCodec.copy(out), null);
  }

  private final class Answering implements HostedSessions.Answers {
    @Override
    public void prefilled(Caller caller, int position, int cached) {
      if (here(caller)) {
        callers().prefilled(caller.session(), caller.epoch(), position, cached);
      } else {
        send(caller, StageFrames.PREFILLED, begin(caller).i32(position).i32(cached));
      }
    }

    @Override
    public void goesOn(Caller caller, int tokens) {
      if (here(caller)) {
        callers().goesOn(caller.session(), caller.epoch(), tokens);
      } else {
        send(caller, StageFrames.STATE, begin(caller).u8(GOES_ON).i32(tokens));
      }
    }

    @Override
    public void finished(Caller caller, int tokens) {
      if (!here(caller)) {
        send(caller, StageFrames.STATE, begin(caller).u8(FINISHED).i32(tokens));
      }
    }

    @Override
    public void interrupted(Caller caller, String why) {
      if (here(caller)) {
        callers().interrupted(caller.session(), caller.epoch(), why);
      } else {
        String shortened = ResultsCodec.shortened(why);
        send(caller, StageFrames.STATE, begin(caller).u8(INTERRUPTED).string(shortened));
      }
    }

    @Override
    public void failed(Caller caller, E2llmException error) {
      if (here(caller)) {
        callers().failed(caller.session(), caller.epoch(), error);
        return;
      }
      FieldWriter out = begin(caller).u8(FAILED);
      ResultsCodec.writeError(out, error);
      send(caller, StageFrames.STATE, out);
    }

    private boolean here(Caller caller) {
      return caller.peer().equals(links.self());
    }

    private FieldWriter begin(Caller caller) {
      return new FieldWriter(64).i64(caller.session()).i32(caller.epoch());
    }

    private void send(Caller caller, byte type, FieldWriter out) {
      links.send(caller.peer(), type, SamplingCodec.copy(out), null);
    }
  }
}
