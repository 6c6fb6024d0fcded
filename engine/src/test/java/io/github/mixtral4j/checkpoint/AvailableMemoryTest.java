package io.github.mixtral4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The files of `/proc` and `/sys` as machines and containers have them.
class AvailableMemoryTest {
    private static final long GIB = 1L << 30;

    private static final String UNIFIED = "34 29 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
    private static final String LEGACY = "35 31 0:32 %s /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
            + "36 31 0:33 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";

    @TempDir
    private Path root;

    private void file(String path, String content) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }

    private void machine(long available, String mounts, String groups) throws IOException {
        file("proc/meminfo", "MemTotal: 134217728 kB\nMemAvailable:   " + (available >> 10) + " kB\nCached: 1 kB\n");
        file("proc/self/mountinfo", "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n" + mounts);
        file("proc/self/cgroup", groups);
    }

    private void unified(String group, String limit, long used, long cache) throws IOException {
        String folder = "sys/fs/cgroup/" + group;
        file(folder + "/memory.max", limit + "\n");
        file(folder + "/memory.current", used + "\n");
        file(folder + "/memory.stat", "anon 12345\ninactive_file " + cache + "\nactive_file 0\nslab 9\n");
    }

    private void legacy(String group, long limit, long used, long cache) throws IOException {
        String folder = "sys/fs/cgroup/memory/" + group;
        file(folder + "/memory.limit_in_bytes", limit + "\n");
        file(folder + "/memory.usage_in_bytes", used + "\n");
        file(folder + "/memory.stat", "active_file 7\ntotal_inactive_file 0\ntotal_active_file " + cache + "\n");
    }

    private OptionalLong available() throws IOException {
        return new AvailableMemory(root).bytes();
    }

    @Test
    void isWhatTheMachineHasWithoutALimit() throws IOException {
        machine(60 * GIB, UNIFIED, "0::/user.slice\n");
        assertThat(available()).as("a group without the files").hasValue(60 * GIB);
        unified("user.slice", "max", 3 * GIB, GIB);
        assertThat(available()).hasValue(60 * GIB);
    }

    @Test
    void isWhatAContainerLeaves() throws IOException {
        // With a namespace of its own a container sees itself as the root.
        machine(60 * GIB, UNIFIED, "0::/\n");
        unified("", "" + 8 * GIB, 5 * GIB, 2 * GIB);
        assertThat(available()).hasValue(5 * GIB);
    }

    @Test
    void namesOfMountsMayBeInAnyEncoding() throws IOException {
        machine(60 * GIB, UNIFIED, "0::/\n");
        unified("", "" + 8 * GIB, 5 * GIB, 2 * GIB);
        Files.write(
                root.resolve("proc/self/mountinfo"),
                ("30 22 8:1 / /mnt/M\u00f6we rw - ext4 /dev/sdb1 rw\n" + UNIFIED)
                        .getBytes(StandardCharsets.ISO_8859_1));
        assertThat(available()).hasValue(5 * GIB);
    }

    @Test
    void isWhatTheMachineHasWhereAContainerMayUseMore() throws IOException {
        machine(3 * GIB, UNIFIED, "0::/\n");
        unified("", "" + 8 * GIB, GIB, 0);
        assertThat(available()).hasValue(3 * GIB);
    }

    @Test
    void theTightestOfAllGroupsAroundCounts() throws IOException {
        machine(60 * GIB, UNIFIED, "0::/kube/pod/app\n");
        unified("kube/pod/app", "" + 40 * GIB, 0, 0);
        unified("kube/pod", "" + 16 * GIB, 10 * GIB, 0);
        unified("kube", "max", 50 * GIB, 0);
        assertThat(available()).hasValue(6 * GIB);
        file("sys/fs/cgroup/kube/pod/app/memory.high", 4 * GIB + "\n");
        assertThat(available()).as("with a limit that slows down").hasValue(4 * GIB);
    }

    @Test
    void aGroupPastItsLimitHasNothingLeft() throws IOException {
        machine(60 * GIB, UNIFIED, "0::/\n");
        unified("", "" + GIB, 2 * GIB, 0);
        assertThat(available()).hasValue(0);
    }

    @Test
    void groupsOfTheFirstVersionCountToo() throws IOException {
        String groups = "9:name=systemd:/\n4:cpu,memory:/jobs/7\n0::/\n";
        machine(60 * GIB, String.format(LEGACY, "/") + UNIFIED.replace("cgroup rw", "cgroup/unified rw"), groups);
        // The root of version 1 says "no limit" with a number.
        legacy("", 9223372036854771712L, 50 * GIB, 0);
        assertThat(available()).hasValue(60 * GIB);
        legacy("jobs/7", 12 * GIB, 8 * GIB, 3 * GIB);
        assertThat(available()).hasValue(7 * GIB);
    }

    @Test
    void aContainerOfTheFirstVersionSeesItsPartOfTheTree() throws IOException {
        machine(60 * GIB, String.format(LEGACY, "/docker/0a1b"), "4:memory:/docker/0a1b\n");
        legacy("", 2 * GIB, GIB / 2, 0);
        assertThat(available()).hasValue(3 * GIB / 2);
    }

    @Test
    void filesThatSaySomethingElseLimitNothing() throws IOException {
        machine(60 * GIB, UNIFIED + "x\n - cgroup2\n1 2 3 / /sys/fs/cgroup\n", "0::/../..\nx\n::\n4:memory\n");
        file("sys/fs/cgroup/memory.max", "lots\n");
        file("sys/fs/cgroup/memory.current", "");
        assertThat(available()).hasValue(60 * GIB);
    }

    @Test
    void nothingIsKnownWithoutMeminfo() throws IOException {
        assertThat(available()).isEmpty();
        assertThat(new AvailableMemory(root).suffices(1)).isFalse();
        new AvailableMemory(root).require("m.gguf", Long.MAX_VALUE);
    }

    @Test
    void copyingIsRefusedWhereAContainerWouldBeEnded() throws IOException {
        machine(60 * GIB, UNIFIED, "0::/\n");
        unified("", "" + 8 * GIB, 2 * GIB, 0);
        AvailableMemory memory = new AvailableMemory(root);
        assertThat(memory.suffices(6 * GIB)).isTrue();
        assertThat(memory.suffices(6 * GIB + 1)).isFalse();
        assertThatThrownBy(() -> memory.require("m.gguf", 26 * GIB))
                .isInstanceOf(CheckpointException.class)
                .hasMessage("m.gguf: copying the weights needs 26.0 GiB of memory, 6.0 GiB are available;"
                        + " map the file instead");
    }
}
