package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;

/// What the control groups of this process, such as those of a container, still let it use. Past a group's limit Linux
/// ends processes of the group, however much the machine has.
///
/// A limit holds for all groups below, so the group of the process and all around it are asked. Both versions of the
/// files are read: `memory.max` and `memory.current` of version 2, `memory.limit_in_bytes` and `memory.usage_in_bytes`
/// of version 1. Page cache counts as used there, but gives way, so it is available.
/// Source: Linux Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst; mountinfo in proc_pid_mountinfo(5).
final class ControlGroups {
    /// Names of the files of one version.
    ///
    /// @param fileSystem type of its mounts
    /// @param limit the lowest of these counts; past `memory.high` a group is slowed down to a standstill
    /// @param cache lines of `memory.stat`
    private record Version(String fileSystem, List<String> limit, String usage, List<String> cache) {
        /// Whether a line of `/proc/self/cgroup`, `number:controllers:path`, names this version's group for memory. In
        /// version 2 there is one group for everything, number 0 without controllers.
        boolean names(String line) {
            String[] parts = line.split(":", 3);
            return parts.length == 3
                    && (fileSystem.equals("cgroup2")
                            ? line.startsWith("0::")
                            : Arrays.asList(parts[1].split(",")).contains("memory"));
        }
    }

    private static final List<Version> VERSIONS = List.of(
            new Version(
                    "cgroup2",
                    List.of("memory.max", "memory.high"),
                    "memory.current",
                    List.of("inactive_file", "active_file")),
            new Version(
                    "cgroup",
                    List.of("memory.limit_in_bytes"),
                    "memory.usage_in_bytes",
                    List.of("total_inactive_file", "total_active_file")));

    private ControlGroups() {}

    /// Bytes left under the tightest limit, or [Long#MAX_VALUE] where there is none. What cannot be read limits
    /// nothing.
    ///
    /// @param root folder that holds `proc` and `sys`
    static long available(Path root) {
        List<String> groups = lines(root.resolve("proc/self/cgroup"));
        long available = Long.MAX_VALUE;
        for (String line : lines(root.resolve("proc/self/mountinfo"))) {
            // number, parent, device, root of the mount, mount point, options, …, -, type, source, …
            String[] mount = line.split(" ");
            int type = Arrays.asList(mount).indexOf("-") + 1;
            for (Version version : VERSIONS) {
                if (type > 5 && type < mount.length && mount[type].equals(version.fileSystem)) {
                    Path top = root.resolve(mount[4].substring(1));
                    for (String group : groups) {
                        if (version.names(group)) {
                            String path = group.split(":", 3)[2];
                            available = Math.min(available, from(folder(top, mount[3], path), top, version));
                        }
                    }
                }
            }
        }
        return available;
    }

    /// Folder of a group. A container may see only its part of the tree, while paths still begin at the machine's root.
    private static Path folder(Path top, String rootOfMount, String group) {
        Path inside = Path.of(group);
        Path above = Path.of(rootOfMount);
        Path folder = top.resolve((inside.startsWith(above) ? above.relativize(inside) : Path.of("")).toString());
        return folder.normalize().startsWith(top) && Files.isDirectory(folder) ? folder.normalize() : top;
    }

    private static long from(Path folder, Path top, Version version) {
        long available = Long.MAX_VALUE;
        for (Path group = folder; group != null && group.startsWith(top); group = group.getParent()) {
            OptionalLong used = number(group.resolve(version.usage));
            for (String name : version.limit) {
                OptionalLong limit = number(group.resolve(name));
                if (used.isPresent() && limit.isPresent()) {
                    long free = limit.getAsLong() - used.getAsLong() + cache(group.resolve("memory.stat"), version);
                    available = Math.clamp(free, 0, available);
                }
            }
        }
        return available;
    }

    private static long cache(Path statistics, Version version) {
        long bytes = 0;
        for (String line : lines(statistics)) {
            int space = line.indexOf(' ');
            if (space > 0 && version.cache.contains(line.substring(0, space))) {
                bytes += number(line.substring(space + 1)).orElse(0);
            }
        }
        return bytes;
    }

    private static OptionalLong number(Path file) {
        List<String> lines = lines(file);
        return lines.isEmpty() ? OptionalLong.empty() : number(lines.getFirst());
    }

    /// The number that a text is, unless it is something else, such as `max`. Version 1 has no word for no limit, but a
    /// number of exbibytes.
    private static OptionalLong number(String text) {
        return text.matches("\\d{1,18}") ? OptionalLong.of(Long.parseLong(text)) : OptionalLong.empty();
    }

    private static List<String> lines(Path file) {
        try {
            // Names of folders may be in any encoding; what is looked for is ASCII.
            return Files.readAllLines(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) { // not there, or not for this user
            return List.of();
        }
    }
}
