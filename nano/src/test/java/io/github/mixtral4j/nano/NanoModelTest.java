package io.github.mixtral4j.nano;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NanoModelTest {
    @TempDir
    private Path folder;

    private URL inJar(String content) throws IOException {
        Path jar = Files.createTempFile(folder, "nano", ".jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            out.putNextEntry(new JarEntry("mixtral-nano.gguf"));
            out.write(content.getBytes());
        }
        return URI.create("jar:" + jar.toUri() + "!/mixtral-nano.gguf").toURL();
    }

    @Test
    void aModelInAJarIsUnpackedOnceAndAgainWhenItIsNotWhole() throws IOException {
        Path cache = folder.resolve("cache");
        URL resource = inJar("weights");
        Path file = NanoModel.file(resource, cache);
        assertThat(file).hasContent("weights").hasParent(cache);
        assertThat(file.getFileName().toString()).matches("mixtral-nano-[0-9a-f]{8}\\.gguf");

        Files.writeString(file, "WEIGHTS");
        assertThat(NanoModel.file(resource, cache)).isEqualTo(file).hasContent("WEIGHTS");
        Files.writeString(file, "wei");
        assertThat(NanoModel.file(resource, cache)).hasContent("weights");
        assertThat(NanoModel.file(inJar("other"), cache)).isNotEqualTo(file).hasContent("other");
        assertThat(cache).isDirectoryNotContaining("glob:**.part").isDirectoryNotContaining("glob:**.tmp");
    }

    @Test
    void aModelInAFolderIsUsedWhereItLies() throws IOException {
        Path file = Files.writeString(folder.resolve("a b.gguf"), "weights");
        assertThat(NanoModel.file(file.toUri().toURL(), folder.resolve("cache")))
                .isEqualTo(file);
    }

    @Test
    void saysWhatToDoWhenTheCacheCannotBeWritten() throws IOException {
        Path cache = Files.writeString(folder.resolve("cache"), "a file");
        assertThatThrownBy(() -> NanoModel.file(inJar("weights"), cache))
                .isInstanceOf(IOException.class)
                .hasMessageMatching("cannot unpack the model that comes with mixtral4j to \\Q" + cache
                        + "\\E/mixtral-nano-[0-9a-f]{8}\\.gguf \\(\\Q" + cache
                        + "\\E\\); make room there, or set XDG_CACHE_HOME to a folder that can be written");
    }
}
