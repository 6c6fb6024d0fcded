package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How much memory this process can still take: what the machine has left, as the Linux kernel estimates it, or less
/// where a control group, such as a container's, allows less.
///
/// @param root folder that holds `proc` and `sys`
public record AvailableMemory(Path root) {
    /// That of the machine.
    public static final AvailableMemory SYSTEM = new AvailableMemory(Path.of("/"));

    private static final Pattern AVAILABLE = Pattern.compile("(?m)^MemAvailable:\\s+(\\d{1,15}) kB$");

    /// Bytes that can be used without swapping, or empty where the system does not say.
    public OptionalLong bytes() throws IOException {
        Path meminfo = root.resolve("proc/meminfo");
        if (!Files.isReadable(meminfo)) {
            return OptionalLong.empty();
        }
        Matcher line = AVAILABLE.matcher(Files.readString(meminfo));
        return line.find()
                ? OptionalLong.of(Math.min(Long.parseLong(line.group(1)) << 10, ControlGroups.available(root)))
                : OptionalLong.empty();
    }

    /// Whether that many bytes can be used; false where the system does not say.
    boolean suffices(long needed) throws IOException {
        OptionalLong available = bytes();
        return available.isPresent() && available.getAsLong() >= needed;
    }

    /// Refuses before anything is read rather than being killed half way.
    ///
    /// @param file what is to be copied, for the message
    /// @throws CheckpointException if fewer than `needed` bytes are available
    void require(String file, long needed) throws IOException {
        OptionalLong available = bytes();
        if (available.isPresent() && available.getAsLong() < needed) {
            throw new CheckpointException(String.format(
                    Locale.ROOT,
                    "%s: copying the weights needs %.1f GiB of memory, %.1f GiB are available; map the file instead",
                    file,
                    needed / 0x1p30,
                    available.getAsLong() / 0x1p30));
        }
    }
}
