package io.github.mixtral4j.cli;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
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
}
