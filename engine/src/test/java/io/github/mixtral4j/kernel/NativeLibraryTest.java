package io.github.mixtral4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.mixtral4j.kernel.NativeLibrary.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// How the C library gets from the jar into the process, and what is said where it does not.
class NativeLibraryTest {
    @TempDir
    private Path folder;

    private byte[] content = {};

    @BeforeEach
    void needsTheLibrary() throws IOException {
        content = NativeFile.content().orElseGet(() -> abort("this build contains no C library"));
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void theCacheIsPrivateAndHoldsOneFileNamedByItsContent() throws Exception {
        Path cache = folder.resolve("caches/mixtral4j");
        Path file = NativeFile.in(cache, content);
        assertThat(NativeFile.in(cache, content)).isEqualTo(file).hasBinaryContent(content);
        assertThat(files(cache)).containsExactly(file);
        assertThat(file.getFileName().toString()).matches("libmixtral4j-[0-9a-f]{64}\\.so");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cache)))
                .isEqualTo("rwx------");
    }

    @Test
    void aDamagedFileInTheCacheIsReplaced() throws Exception {
        Path file = NativeFile.in(folder.resolve("cache"), content);
        Files.write(file, new byte[] {1, 2, 3});
        assertThat(NativeFile.in(folder.resolve("cache"), content)).hasBinaryContent(content);
        Path elsewhere = Files.write(folder.resolve("elsewhere"), content);
        Files.delete(file);
        Files.createSymbolicLink(file, elsewhere);
        NativeFile.in(folder.resolve("cache"), content);
        assertThat(file).isRegularFile().hasBinaryContent(content);
        assertThat(Files.isSymbolicLink(file)).isFalse();
    }

    @Test
    void severalProcessesMayFillTheCacheAtOnce() throws Exception {
        Path cache = folder.resolve("cache");
        List<Thread> threads = Stream.generate(() -> Thread.ofVirtual().unstarted(() -> fill(cache)))
                .limit(8)
                .toList();
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(files(cache)).hasSize(1);
        assertThat(NativeFile.in(cache, content)).hasBinaryContent(content);
    }

    private void fill(Path cache) {
        try {
            NativeFile.in(cache, content);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aFolderThatOthersMayWriteIsNotUsedAndNotNeeded() throws Exception {
        Path open = Files.createDirectory(folder.resolve("open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThatThrownBy(() -> NativeFile.in(open, content))
                .isInstanceOf(IOException.class)
                .hasMessage(open + " can be written by other users; remove it, or run chmod 700 on it");
        assertThat(NativeLibrary.load(content, open).levels()).endsWith("scalar");
        assertThat(files(open)).isEmpty();
    }

    @Test
    void aCacheThatCannotBeMadeIsNotNeeded() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));
        assertThat(NativeLibrary.load(content, file.resolve("cache")).levels()).endsWith("scalar");
        assertThat(NativeLibrary.load(content, Path.of("relative")).levels()).endsWith("scalar");
    }

    @Test
    void whatIsNoLibraryIsRefusedWithTheSystemsReason() {
        assertThatThrownBy(() -> NativeLibrary.load(new byte[] {1, 2, 3}, folder.resolve("cache")))
                .isInstanceOf(Unavailable.class)
                .hasMessageMatching("the C library cannot be loaded \\(.*\\.so.*; .*\\.so.*\\)");
    }

    @Test
    void everyLevelThatRunsHereAgreesWithScalar() throws Exception {
        NativeLibrary library = NativeSupport.library();
        assertThat(library.levels()).endsWith("scalar");
        for (String level : library.levels()) {
            assertThat(NativeSupport.level(library, level)).isEqualTo(level);
        }
        assertThat(NativeSupport.level(library, null))
                .isEqualTo(library.levels().getFirst());
    }

    @Test
    void aLevelThatDoesNotRunHereIsRefusedWithTheOnesThatDo() throws Exception {
        NativeLibrary library = NativeSupport.library();
        assertThatThrownBy(() -> NativeSupport.level(library, "avx9"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("MIXTRAL4J_ISA must be one of " + String.join(", ", library.levels())
                        + " on this machine, got \"avx9\"");
    }

    /// A library whose level avx2 is the plain C with a mistake, in the products of one row or of many.
    private NativeLibrary withMistake(String correct, String mistaken) throws Exception {
        assumeTrue(NativeSupport.library().levels().contains("avx2"), "this processor has no AVX2");
        Path sources = Files.createDirectory(folder.resolve("c"));
        try (Stream<Path> files = Files.list(Path.of("src/main/c"))) {
            // The other levels would only take time.
            for (Path file : files.filter(f -> !f.getFileName().toString().matches("avx512.c|amx.c|neon.c"))
                    .toList()) {
                Files.copy(file, sources.resolve(file.getFileName().toString()));
            }
        }
        String scalar = Files.readString(sources.resolve("scalar.c"));
        assertThat(scalar).contains(correct);
        Files.writeString(
                sources.resolve("avx2.c"),
                scalar.replace(correct, mistaken).replace("mixtral4j_scalar_", "mixtral4j_avx2_"));
        Process build = new ProcessBuilder("sh", sources.resolve("build.sh").toString(), folder.toString())
                .inheritIO()
                .start();
        assumeTrue(build.waitFor() == 0, "no C compiler");
        return NativeLibrary.load(
                Files.readAllBytes(folder.resolve("linux-x86_64/libmixtral4j.so")), folder.resolve("cache"));
    }

    @Test
    void aMistakeInProductsOfOneRowIsFound() throws Exception {
        NativeLibrary library =
                withMistake("y[r] = (float)sum;", "y[r] = (float)(r == 18 && type == 12 ? -sum : sum);");
        assertThatThrownBy(() -> NativeSupport.level(library, "avx2"))
                .isInstanceOf(Unavailable.class)
                .hasMessage("the self-check of level avx2 failed, it multiplies one row with Q4_K wrongly");
        assertThat(NativeSupport.level(library, "scalar")).isEqualTo("scalar");
    }

    @Test
    void aMistakeInProductsOfManyRowsIsFound() throws Exception {
        NativeLibrary library =
                withMistake("for (int32_t j = 0; j < rows; j++) {", "for (int32_t j = 0; j < rows - 1; j++) {");
        assertThatThrownBy(() -> NativeSupport.level(library, "avx2"))
                .isInstanceOf(Unavailable.class)
                .hasMessage("the self-check of level avx2 failed, it multiplies many rows with F32 wrongly");
    }

    @Test
    void aMistakeInAttentionIsFound() throws Exception {
        NativeLibrary library = withMistake("score /= sqrt((double)dim);", "score /= sqrt((double)dim + type);");
        assertThatThrownBy(() -> NativeSupport.level(library, "avx2"))
                .isInstanceOf(Unavailable.class)
                .hasMessage("the self-check of level avx2 failed, it attends wrongly to keys and values in F16");
    }
}
