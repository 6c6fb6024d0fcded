package io.github.mixtral4j.nano;

import io.github.mixtral4j.checkpoint.AtomicFile;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLConnection;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.jar.JarEntry;

/// The small Mixtral that comes with mixtral4j, as a file that a checkpoint can be opened from.
public final class NanoModel {
    /// Its name, in the jar and to people.
    public static final String NAME = "mixtral-nano";

    private static final String RESOURCE = NAME + ".gguf";

    private NanoModel() {}

    /// The model's file; empty if this build comes without one.
    ///
    /// A model in a jar is written to the user's cache at first use, whole or not at all, under a name with the
    /// checksum that the jar has of it. The cache is `mixtral4j` below `XDG_CACHE_HOME` or `.cache`.
    ///
    /// @throws IOException if it cannot be written there
    public static Optional<Path> file() throws IOException {
        URL resource = NanoModel.class.getResource(RESOURCE);
        return resource == null ? Optional.empty() : Optional.of(file(resource, cache()));
    }

    static Path file(URL resource, Path cache) throws IOException {
        URLConnection connection = resource.openConnection();
        if (!(connection instanceof JarURLConnection jar)) {
            try {
                return Path.of(resource.toURI());
            } catch (URISyntaxException e) {
                throw new IOException(resource + " is not the place of a file", e);
            }
        }
        JarEntry entry = jar.getJarEntry();
        Path file = cache.resolve("%s-%08x.gguf".formatted(NAME, entry.getCrc()));
        if (!Files.isRegularFile(file) || Files.size(file) != entry.getSize()) {
            try {
                write(resource, file);
            } catch (IOException e) {
                throw new IOException(
                        "cannot unpack the model that comes with mixtral4j to " + file + " (" + e.getMessage()
                                + "); make room there, or set XDG_CACHE_HOME to a folder that can be written",
                        e);
            }
        }
        return file;
    }

    private static void write(URL resource, Path file) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        try (InputStream in = resource.openStream();
                AtomicFile whole = AtomicFile.create(file)) {
            in.transferTo(Channels.newOutputStream(whole.channel()));
            whole.commit();
        }
    }

    private static Path cache() {
        String xdg = System.getenv("XDG_CACHE_HOME");
        // A relative path there is to be ignored (XDG base directory specification).
        Path caches = xdg != null && Path.of(xdg).isAbsolute()
                ? Path.of(xdg)
                : Path.of(System.getProperty("user.home", ""), ".cache");
        return caches.resolve("mixtral4j");
    }
}
