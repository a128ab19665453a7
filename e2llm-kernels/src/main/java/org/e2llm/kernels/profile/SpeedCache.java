package org.e2llm.kernels.profile;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Properties;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.InvalidRequestException;
import org.e2llm.plan.DeviceSpeed;
import org.jspecify.annotations.Nullable;

/**
 * Measured speeds in a folder, one small text file per key, which people can read and delete. What
 * is damaged, of another version or of another key counts as not there; what cannot be written is
 * measured again next time. Processes may share the folder: files are replaced as a whole.
 */
public final class SpeedCache {
  private static final Logger LOG = Logger.getLogger(SpeedCache.class.getName());

  /** Raised when figures come to mean something else, so that old ones are not taken for them. */
  private static final String VERSION = "1";

  private static final long MOST_BYTES = 16 << 10;

  private final Path folder;

  public SpeedCache(Path folder) {
    this.folder = folder;
  }

  /**
   * What was stored under the key, or null.
   *
   * @param key all that the speed depends on, in words
   */
  public @Nullable DeviceSpeed load(String key) {
    Path file = file(key);
    try {
      if (!Files.exists(file)) {
        return null;
      }
      if (Files.size(file) > MOST_BYTES) {
        throw new InvalidRequestException("larger than " + MOST_BYTES + " bytes");
      }
      Properties fields = new Properties();
      fields.load(new ByteArrayInputStream(Files.readAllBytes(file)));
      if (!VERSION.equals(fields.getProperty("version"))
          || !key.equals(fields.getProperty("key"))) {
        return null;
      }
      return new DeviceSpeed(
          number(fields, "prefillFlops"),
          number(fields, "decodeFlops"),
          number(fields, "memoryBandwidth"),
          number(fields, "stepSeconds"),
          Boolean.parseBoolean(fields.getProperty("fma")));
    } catch (IOException | InvalidRequestException | IllegalArgumentException e) {
      LOG.log(Level.FINE, "{0} is not used: {1}", new Object[] {file, e.toString()});
      return null;
    }
  }

  private static double number(Properties fields, String name) {
    return Double.parseDouble(fields.getProperty(name, "missing"));
  }

  /** Stores it for the next {@link #load}, if the folder can be written. */
  public void store(String key, DeviceSpeed speed) {
    StringBuilder text =
        new StringBuilder("# How fast this device is, as measured; may be deleted.\n");
    line(text, "version", VERSION);
    line(text, "key", key);
    line(text, "prefillFlops", speed.prefillFlops());
    line(text, "decodeFlops", speed.decodeFlops());
    line(text, "memoryBandwidth", speed.memoryBandwidth());
    line(text, "stepSeconds", speed.stepSeconds());
    line(text, "fma", speed.fma());
    Path file = file(key);
    try {
      Files.createDirectories(folder);
      Path partial = Files.createTempFile(folder, "speed", ".part");
      try {
        Files.write(partial, text.toString().getBytes(StandardCharsets.ISO_8859_1));
        Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(partial);
      }
    } catch (IOException | SecurityException e) {
      LOG.log(Level.FINE, "{0} is not written: {1}", new Object[] {file, e.toString()});
    }
  }

  /** A property in the escapes of {@link Properties}: keys and values may hold anything. */
  private static void line(StringBuilder text, String name, Object value) {
    text.append(name).append('=');
    String plain = value.toString();
    for (int i = 0; i < plain.length(); i++) {
      char c = plain.charAt(i);
      if (c == '\\' || c < ' ' || c > '~') {
        text.append(String.format("\\u%04x", (int) c));
      } else {
        text.append(c);
      }
    }
    text.append('\n');
  }

  private Path file(String key) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
      StringBuilder name = new StringBuilder("speed-");
      for (int i = 0; i < 8; i++) {
        name.append(String.format("%02x", hash[i]));
      }
      return folder.resolve(name + ".properties");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
