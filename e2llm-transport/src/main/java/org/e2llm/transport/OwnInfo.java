package org.e2llm.transport;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.DeviceSpeed;
import org.e2llm.plan.KeptEnds;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.transport.cluster.PeerInfo;
import org.e2llm.transport.cluster.Sharing;
import org.jspecify.annotations.Nullable;

/**
 * What this device says of itself: where it listens, how fast it and its links are, what lies on
 * it, whether it takes part. Some of that changes what plans are made of, and says so by a higher
 * version. Pure; belongs to the thread of {@link ClusterPeer}.
 */
final class OwnInfo {
  private static final Logger LOG = Logger.getLogger(OwnInfo.class.getName());

  /** When this device is measured again if that was too early at first; since the start. */
  private static final long[] MEASURE_AGAIN = {20_000_000_000L, 60_000_000_000L, 180_000_000_000L};

  private final Consumer<PeerInfo> tell;
  private final @Nullable SpeedBook speeds;
  private int measurements;
  private PeerDetails details;
  private PeerInfo info;
  private Sharing wanted = Sharing.ACTIVE;
  private boolean stuck;

  /**
   * Tells nothing yet.
   *
   * @param profile of this device; null if it shares nothing
   * @param measured whether the profile may be corrected, because no app said it
   * @param holding what lies here
   * @param options wishes of its app
   * @param slo another
   * @param workload what requests its app expects, or null
   * @param ends layers at both ends of the model that it keeps, or null
   * @param tell takes what is to be said from now on, whenever it has changed
   */
  OwnInfo(
      String name,
      @Nullable DeviceProfile profile,
      boolean measured,
      Holding holding,
      PlanOptions options,
      Slo slo,
      @Nullable Workload workload,
      @Nullable KeptEnds ends,
      Consumer<PeerInfo> tell) {
    this.tell = tell;
    speeds = profile == null || !measured ? null : new SpeedBook(profile);
    details = PeerDetails.of(profile, holding, options, slo, workload, ends);
    info =
        new PeerInfo(
            name,
            List.of(),
            profile == null ? Sharing.NONE : Sharing.ACTIVE,
            profile == null ? 0 : 1,
            details.wishes() ? 1 : 0,
            details.toBytes());
  }

  /** As it was told last. */
  PeerInfo info() {
    return info;
  }

  /** Null if it shares nothing. */
  @Nullable DeviceProfile profile() {
    return details.profile();
  }

  /** Whether this device offers anything, though it may be paused. */
  boolean shares() {
    return info.sharing() != Sharing.NONE;
  }

  /** Where it listens; empty if it does not. */
  String address() {
    return info.addresses().isEmpty() ? "" : info.addresses().get(0);
  }

  void listens(List<String> addresses) {
    tell(addresses, false);
  }

  /** Plans are to be made anew though nothing of this has changed. */
  void planAnew() {
    tell(info.addresses(), true);
  }

  /**
   * What lies here. Plans depend on the model's id and on the room there is, not on how far
   * fetching is.
   *
   * @return whether it has changed
   */
  boolean holds(Holding now) {
    Holding before = details.holding();
    if (now.equals(before)) {
      return false;
    }
    details = details.withHolding(now);
    tell(
        info.addresses(),
        !now.modelId().equals(before.modelId()) || now.diskBytes() != before.diskBytes());
    return true;
  }

  /** What its links do, by peer. */
  void links(Map<String, LinkBook.Figures> links) {
    details = details.withLinks(links);
    planAnew();
  }

  /** Whether its app wants it to take part. */
  void share(Sharing sharing) {
    wanted = sharing;
    tellSharing();
  }

  /**
   * Whether its computing hangs: then it has no place in a plan, whatever its app wants.
   *
   * @return whether that is new, and bad
   */
  boolean hangs(boolean now) {
    if (stuck == now) {
      return false;
    }
    stuck = now;
    tellSharing();
    return stuck;
  }

  private void tellSharing() {
    if (shares()) {
      info = info.withSharing(stuck ? Sharing.PAUSED : wanted);
      tell.accept(info);
    }
  }

  /** How long steps have taken; see {@link SpeedBook#observe}. */
  void computed(StageReports.Residuals residuals, long now) {
    if (speeds != null) {
      corrected(speeds.observe(residuals, now));
    }
  }

  /** Whether the engine should be asked for this device's speed once more, if nothing runs here. */
  boolean wantsMeasurement(long now) {
    if (speeds == null
        || measurements == MEASURE_AGAIN.length
        || now < MEASURE_AGAIN[measurements]) {
      return false;
    }
    measurements++;
    return true;
  }

  /** It was measured once more; one that was steady at first is just told again. */
  void measured(DeviceSpeed speed) {
    if (speeds != null) {
      corrected(speeds.measured(speed));
    }
  }

  private void corrected(@Nullable DeviceProfile profile) {
    if (profile != null) {
      LOG.log(Level.CONFIG, "this device is another than it was told to be: {0}", profile);
      details = details.withProfile(profile);
      planAnew();
    }
  }

  private void tell(List<String> addresses, boolean matters) {
    info =
        new PeerInfo(
            info.name(),
            addresses,
            info.sharing(),
            info.profileVersion() + (matters ? 1 : 0),
            info.wishVersion(),
            details.toBytes());
    tell.accept(info);
  }
}
