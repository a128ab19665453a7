package org.e2llm.kernels.profile;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.e2llm.plan.DeviceSpeed;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpeedCacheTest {
  private static final String KEY = "cpu \u00dcber \\ fast; threads = 2: \u4e2d\n# x";
  private static final DeviceSpeed SPEED = new DeviceSpeed(1.5e11, 9e10, 2.5e10, 2.4e-5, true);

  @TempDir Path folder;

  @Test
  void givesBackWhatWasStoredUnderTheKey() {
    SpeedCache cache = new SpeedCache(folder.resolve("new/folder"));
    assertThat(cache.load(KEY)).isNull();
    cache.store(KEY, SPEED);
    assertThat(cache.load(KEY)).isEqualTo(SPEED);
    assertThat(cache.load(KEY + " ")).isNull();
    assertThat(new SpeedCache(folder.resolve("new/folder")).load(KEY)).isEqualTo(SPEED);
    DeviceSpeed other = new DeviceSpeed(1, 2, 3, 0, false);
    cache.store(KEY, other);
    assertThat(cache.load(KEY)).isEqualTo(other);
  }

  @Test
  void whatIsDamagedIsNotThereAndIsWrittenAnew() throws IOException {
    SpeedCache cache = new SpeedCache(folder);
    cache.store(KEY, SPEED);
    Path file = onlyFile();
    String text = Files.readString(file);
    List<String> damaged =
        List.of(
            "",
            "\u0000\u0001",
            text.substring(0, text.length() / 2),
            text.replace("version=1", "version=2"),
            text.replace("key=", "key=x"),
            text.replace("prefillFlops=1.5E11", "prefillFlops=-1"),
            text.replace("decodeFlops=9.0E10", "decodeFlops=NaN"),
            text.replace("memoryBandwidth=", "memoryBandwidth=\\u12"),
            text + "#" + "x".repeat(1 << 20));
    for (String content : damaged) {
      Files.writeString(file, content);
      assertThat(cache.load(KEY)).as(content).isNull();
      cache.store(KEY, SPEED);
      assertThat(cache.load(KEY)).isEqualTo(SPEED);
    }
    assertThat(onlyFile()).isEqualTo(file);
  }

  @Test
  void aFolderThatCannotBeWrittenIsNoError() throws IOException {
    Path file = folder.resolve("file");
    Files.writeString(file, "not a folder");
    SpeedCache cache = new SpeedCache(file);
    cache.store(KEY, SPEED);
    assertThat(cache.load(KEY)).isNull();
  }

  private Path onlyFile() throws IOException {
    try (var files = Files.list(folder)) {
      List<Path> all = files.toList();
      assertThat(all).hasSize(1);
      return all.get(0);
    }
  }
}
