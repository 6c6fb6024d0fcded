package io.github.mixtral4j.kernel;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The C library in the jar, as a file that the system can load.
///
/// It is kept in a folder that only its user can enter, named by the SHA-256 of its content, and is compared with the
/// jar's before every use: whatever else lies there under that name is replaced.
final class NativeFile {
    private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private NativeFile() {}

    /// The library for this system and processor, or empty if the jar was built without it.
    static Optional<byte[]> content() throws IOException {
        String arch = System.getProperty("os.arch", "");
        String folder = System.getProperty("os.name", "").toLowerCase(Locale.ROOT) + "-"
                + (arch.equals("amd64") ? "x86_64" : arch);
        try (InputStream in = NativeFile.class.getResourceAsStream("/META-INF/native/" + folder + "/libmixtral4j.so")) {
            return in == null ? Optional.empty() : Optional.of(in.readAllBytes());
        }
    }

    /// Where libraries are kept: below `XDG_CACHE_HOME`, or below `.cache` in the home folder. A folder of their own,
    /// since
    /// what else is cached may lie where the user's group can write.
    static Path cache() {
        String xdg = System.getenv("XDG_CACHE_HOME");
        // A relative path there is to be ignored (XDG base directory specification).
        Path caches = xdg != null && Path.of(xdg).isAbsolute()
                ? Path.of(xdg)
                : Path.of(System.getProperty("user.home", ""), ".cache");
        return caches.resolve("mixtral4j").resolve("native");
    }

    /// The file in `folder` with exactly this content, written if it is not there yet. Several processes may do this at
    /// once: a file appears whole or not at all.
    ///
    /// @throws IOException if the folder cannot be written, or is not private
    static Path in(Path folder, byte[] content) throws IOException {
        if (!folder.isAbsolute()) { // as when the user has no home
            throw new IOException(folder + " is not an absolute path");
        }
        Files.createDirectories(folder, PRIVATE);
        checkPrivate(folder);
        Path file = folder.resolve("libmixtral4j-" + sha256(content) + ".so");
        if (!Arrays.equals(content, read(file))) {
            Path part = Files.createTempFile(folder, "libmixtral4j-", ".part", PRIVATE);
            try {
                Files.write(part, content);
                Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(part);
            }
        }
        return file;
    }

    private static byte @Nullable [] read(Path file) throws IOException {
        try {
            return Files.isSymbolicLink(file) ? null : Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    /// Code is loaded from this folder, so nobody else may be able to put any there.
    private static void checkPrivate(Path folder) throws IOException {
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(folder, LinkOption.NOFOLLOW_LINKS);
        boolean mine = Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS)
                .equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        if (!mine
                || permissions.contains(PosixFilePermission.GROUP_WRITE)
                || permissions.contains(PosixFilePermission.OTHERS_WRITE)) {
            throw new IOException(folder + " can be written by other users; remove it, or run chmod 700 on it");
        }
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) { // every Java has it
            throw new IllegalStateException(e);
        }
    }
}
