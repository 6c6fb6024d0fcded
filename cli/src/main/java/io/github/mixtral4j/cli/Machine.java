package io.github.mixtral4j.cli;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/// What the operating system knows about this machine and this process.
final class Machine {
    private static final Path CPUS = Path.of("/sys/devices/system/cpu");
    private static final Path STATUS = Path.of("/proc/self/status");

    private Machine() {}

    /// Cores this process may use, counting the two threads of a core once: a second one shares the arithmetic units
    /// that the kernels keep busy. Where that cannot be found out, all processors.
    static int physicalCores() {
        int processors = Runtime.getRuntime().availableProcessors();
        Set<String> siblings = new HashSet<>();
        try (DirectoryStream<Path> cpus = Files.newDirectoryStream(CPUS, "cpu[0-9]*")) {
            for (Path cpu : cpus) {
                siblings.add(Files.readString(cpu.resolve("topology/thread_siblings_list")));
            }
        } catch (IOException e) {
            return processors;
        }
        return Math.clamp(siblings.size(), 1, processors);
    }

    /// The most memory this process has had resident so far, in bytes, mapped files included; known on Linux only.
    static OptionalLong peakResidentBytes() {
        try {
            return Files.readAllLines(STATUS).stream()
                    .filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst();
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }

    /// Bytes of all caches of the level that holds most, each counted once however many cores share it; 0 where
    /// that cannot be found out.
    static long cacheBytes() {
        Map<String, Long> levels = new HashMap<>();
        Set<String> seen = new HashSet<>();
        try (DirectoryStream<Path> cpus = Files.newDirectoryStream(CPUS, "cpu[0-9]*")) {
            for (Path cpu : cpus) {
                try (DirectoryStream<Path> caches = Files.newDirectoryStream(cpu.resolve("cache"), "index*")) {
                    for (Path cache : caches) {
                        String level = cache.getFileName().toString();
                        if (seen.add(level + " " + Files.readString(cache.resolve("shared_cpu_list")))) {
                            levels.merge(level, kibibytes(Files.readString(cache.resolve("size"))), Long::sum);
                        }
                    }
                }
            }
        } catch (IOException | NumberFormatException e) {
            return 0;
        }
        return levels.values().stream().mapToLong(Long::longValue).max().orElse(0);
    }

    /// Bytes of a size such as `32768K`.
    private static long kibibytes(String size) {
        return Long.parseLong(size.strip().replace("K", "")) << 10;
    }
}
