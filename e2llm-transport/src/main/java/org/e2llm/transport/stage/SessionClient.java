package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.util.Objects;
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
  private static final int INTERRUPTED = 0;
  private static final int FAILED = 1;
  private static final int FINISHED = 2;

  private final Links links;
  private final int vocabularySize;
  private final HostedSessions hosted = new HostedSessions(new Answering());
  private volatile @Nullable CallerSessions callers;

  public SessionClient(Links links, int vocabularySize) {
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
    FieldWriter out = new FieldWriter(16).i64(session).i32(epoch);
    links.send(host, StageFrames.CANCEL, SamplingCodec.copy(out), null);
  }

  // Frames.

  /** Whether frames of this type are for this. */
  public static boolean takes(byte type) {
    return type >= StageFrames.TOKEN && type <= StageFrames.ENDED;
  }

  /** A frame came; on the net thread. */
  public void received(String peer, byte type, ByteBuffer payload) {
    FieldReader in = new FieldReader(payload);
    if (type == StageFrames.SUBMIT) {
      hosted.start(peer, SessionCodec.readRequest(in, vocabularySize));
      return;
    }
    long session = in.i64("session");
    int epoch = in.i32("session.epoch", 0, Integer.MAX_VALUE);
    switch (type) {
      case StageFrames.TOKEN:
        int position = in.i32("token.position", 0, Integer.MAX_VALUE);
        callers().sampled(session, epoch, position, SamplingCodec.readSampled(in, vocabularySize));
        break;
      case StageFrames.CANCEL:
        hosted.stop(peer, session, epoch);
        break;
      case StageFrames.PREFILLED:
        callers().prefilled(session, epoch, in.i32("prefilled.position", 0, Integer.MAX_VALUE));
        break;
      case StageFrames.ENDED:
        ended(session, epoch, in);
        break;
      default:
        throw new ProtocolException("frame type " + type + " is none of a session");
    }
    in.end("frame of a session");
  }

  private void ended(long session, int epoch, FieldReader in) {
    int how = in.u8("ended.how");
    if (how == INTERRUPTED) {
      callers().interrupted(session, epoch, in.string("ended.why"));
    } else if (how == FINISHED) {
      callers().finished(session, epoch, in.i32("ended.tokens", 0, Integer.MAX_VALUE));
    } else {
      callers().failed(session, epoch, ResultsCodec.readError(in));
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
    public void prefilled(Caller caller, int position) {
      if (here(caller)) {
        callers().prefilled(caller.session(), caller.epoch(), position);
      } else {
        send(caller, StageFrames.PREFILLED, begin(caller).i32(position));
      }
    }

    @Override
    public void finished(Caller caller, int tokens) {
      if (!here(caller)) {
        send(caller, StageFrames.ENDED, begin(caller).u8(FINISHED).i32(tokens));
      }
    }

    @Override
    public void interrupted(Caller caller, String why) {
      if (here(caller)) {
        callers().interrupted(caller.session(), caller.epoch(), why);
      } else {
        String shortened = ResultsCodec.shortened(why);
        send(caller, StageFrames.ENDED, begin(caller).u8(INTERRUPTED).string(shortened));
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
      send(caller, StageFrames.ENDED, out);
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
