package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/// Anonymous memory for which the kernel is asked to use pages of 2 MiB.
///
/// A token reads gigabytes of weights once, so with pages of 4 KiB nearly every page costs a miss in the address cache.
/// Linux only; elsewhere plain memory, with one warning.
public final class HugePages {
    private static final Logger LOG = System.getLogger(HugePages.class.getName());
    /// Size and alignment of a huge page.
    static final long HUGE_PAGE_BYTES = 2L << 20;

    // Constants of <sys/mman.h> on Linux, equal on x86-64 and aarch64.
    private static final int PROT_READ_WRITE = 1 | 2;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x02 | 0x20;
    private static final int MADV_HUGEPAGE = 14;
    private static final int MREMAP_MAYMOVE_FIXED = 1 | 2;
    private static final long MAP_FAILED = -1;

    private static final Path SWITCH = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");

    private static final AtomicBoolean WARNED = new AtomicBoolean();

    private HugePages() {}

    /// The calls of the C library.
    private record Calls(MethodHandle mmap, MethodHandle munmap, MethodHandle madvise, MethodHandle mremap) {
        /// Null where they cannot be used.
        static final @Nullable Calls INSTANCE = link();

        private static @Nullable Calls link() {
            if (!System.getProperty("os.name", "").equals("Linux")) {
                return null;
            }
            try {
                Linker linker = Linker.nativeLinker();
                SymbolLookup library = linker.defaultLookup();
                var pointer = ValueLayout.ADDRESS;
                var size = ValueLayout.JAVA_LONG;
                var number = ValueLayout.JAVA_INT;
                return new Calls(
                        linker.downcallHandle(
                                library.findOrThrow("mmap"),
                                FunctionDescriptor.of(pointer, pointer, size, number, number, number, size)),
                        linker.downcallHandle(
                                library.findOrThrow("munmap"), FunctionDescriptor.of(number, pointer, size)),
                        linker.downcallHandle(
                                library.findOrThrow("madvise"), FunctionDescriptor.of(number, pointer, size, number)),
                        linker.downcallHandle(
                                library.findOrThrow("mremap"),
                                FunctionDescriptor.of(pointer, pointer, size, size, number, pointer),
                                Linker.Option.firstVariadicArg(4)));
            } catch (RuntimeException e) { // no native access, or a C library without these names
                LOG.log(Level.DEBUG, "huge pages", e);
                return null;
            }
        }
    }

    /// Zeroed memory that starts at a multiple of 2 MiB, owned by `arena`.
    ///
    /// @throws CheckpointException if the system refuses
    public static MemorySegment allocate(long bytes, Arena arena) throws IOException {
        if (bytes == 0) {
            return MemorySegment.NULL;
        }
        Calls calls = Calls.INSTANCE;
        if (calls == null) {
            warn("huge pages are not available (Linux with --enable-native-access is needed); using plain memory");
            return plain(bytes, arena);
        }
        if (switchedOff()) {
            warn("huge pages are switched off (" + SWITCH + "); using plain memory");
        }
        long size = Math.ceilDiv(bytes, HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES;
        MemorySegment memory = map(calls, size)
                .orElseThrow(() -> new CheckpointException("the system refuses " + bytes
                        + " bytes of memory for the weights; map the file instead of copying it"));
        return memory.reinterpret(size, arena, all -> unmap(calls, all)).asSlice(0, bytes);
    }

    /// New memory at a multiple of 2 MiB, nobody's yet; empty if the system refuses.
    private static Optional<MemorySegment> map(Calls calls, long bytes) {
        // mmap aligns to 4 KiB only; the slack makes room for the next multiple of 2 MiB and is given back.
        long reserved = bytes + HUGE_PAGE_BYTES;
        try {
            MemorySegment start = (MemorySegment) calls.mmap()
                    .invokeExact(MemorySegment.NULL, reserved, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
            if (start.address() == MAP_FAILED) {
                return Optional.empty();
            }
            MemorySegment all = start.reinterpret(reserved);
            long lead = Math.ceilDiv(start.address(), HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES - start.address();
            unmap(calls, all.asSlice(0, lead));
            unmap(calls, all.asSlice(lead + bytes));
            MemorySegment memory = all.asSlice(lead, bytes);
            if ((int) calls.madvise().invokeExact(memory, bytes, MADV_HUGEPAGE) != 0) {
                warn("this kernel has no huge pages; using plain memory");
            }
            return Optional.of(memory);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("mmap cannot be called", e);
        }
    }

    /// Whether the system has huge pages to give.
    public static boolean available() throws IOException {
        return Calls.INSTANCE != null && Files.isReadable(SWITCH) && !switchedOff();
    }

    /// Fills memory.
    interface Filling {
        /// @return whether it could
        boolean fill(MemorySegment memory) throws IOException;
    }

    /// Puts new memory in the place of whatever is mapped at `to`, in one step: who reads there sees the
    /// old bytes or the new ones.
    ///
    /// The new memory is a mapping of its own, moved as a whole: the kernel grants memory when it is
    /// mapped, and then only moves it. With MREMAP_DONTUNMAP it asks once more, after it has taken away
    /// what is at `to`, and a refusal leaves a hole there.
    ///
    /// @param to address, a multiple of 2 MiB, of a mapping of at least `bytes`
    /// @param bytes a multiple of 2 MiB
    /// @param filling what the memory is filled by before
    /// @return whether it was done; if not, nothing has changed at `to`
    static boolean replace(long to, long bytes, Filling filling) throws IOException {
        Calls calls = Objects.requireNonNull(Calls.INSTANCE);
        Optional<MemorySegment> mapped = map(calls, bytes);
        if (mapped.isEmpty()) {
            return false;
        }
        MemorySegment memory = mapped.get();
        boolean isMoved = false;
        try {
            isMoved = filling.fill(memory) && move(calls, memory, to);
            return isMoved;
        } finally {
            if (!isMoved) {
                unmap(calls, memory);
            }
        }
    }

    private static boolean move(Calls calls, MemorySegment memory, long to) {
        try {
            MemorySegment moved = (MemorySegment) calls.mremap()
                    .invokeExact(
                            memory,
                            memory.byteSize(),
                            memory.byteSize(),
                            MREMAP_MAYMOVE_FIXED,
                            MemorySegment.ofAddress(to));
            return moved.address() == to;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("mremap cannot be called", e);
        }
    }

    private static void unmap(Calls calls, MemorySegment memory) {
        if (memory.byteSize() == 0) {
            return;
        }
        try {
            int unused = (int) calls.munmap().invokeExact(memory, memory.byteSize());
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("munmap cannot be called", e);
        }
    }

    /// The same without huge pages.
    static MemorySegment plain(long bytes, Arena arena) {
        try {
            return arena.allocate(bytes, HUGE_PAGE_BYTES);
        } catch (OutOfMemoryError e) {
            throw new CheckpointException(
                    "plain memory for " + bytes + " bytes of weights is not available (-XX:MaxDirectMemorySize limits "
                            + "it); map the file instead of copying it",
                    e);
        }
    }

    /// With "never" the kernel takes the advice and does not follow it.
    private static boolean switchedOff() throws IOException {
        return Files.isReadable(SWITCH) && Files.readString(SWITCH).contains("[never]");
    }

    private static void warn(String message) {
        if (!WARNED.getAndSet(true)) {
            LOG.log(Level.WARNING, message);
        }
    }
}
