package io.github.mixtral4j.cli;

import io.github.mixtral4j.checkpoint.AvailableMemory;
import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.checkpoint.HugePages;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.kernel.Roofline;
import io.github.mixtral4j.kernel.Roofline.Peak;
import io.github.mixtral4j.kernel.Roofline.Way;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// The limits of this machine, and how near a model comes to them.
///
/// @param kernels what multiplied, as the start-up line has it
/// @param readBytesPerSecond memory
/// @param bufferBytes size of what was read
/// @param hugePages whether it was in huge pages
/// @param peaks arithmetic
record BenchRoofline(String kernels, double readBytesPerSecond, long bufferBytes, boolean hugePages, List<Peak> peaks) {
    /// Reads at least so much, and this many times the cache.
    private static final long LEAST_BYTES = 512L << 20;

    private static final int CACHES = 8;

    /// A kind of forward pass of a model and how long it took.
    ///
    /// @param ways how its products are computed
    record Phase(String name, StepWork work, double seconds, Set<Way> ways) {
        /// The prompt.
        static Phase prefill(StepWork work, double seconds) {
            return new Phase("prefill", work, seconds, EnumSet.of(Way.PROMPT));
        }

        /// Steps of one sequence, or of several together.
        static Phase decode(StepWork work, double seconds) {
            return work.rows() == 1
                    ? new Phase("decode", work, seconds, EnumSet.of(Way.ONE_ROW))
                    : new Phase(
                            "decode of " + work.rows() + " sequences",
                            work,
                            seconds,
                            EnumSet.of(Way.BATCH, Way.PROMPT));
        }
    }

    /// Measures the machine.
    ///
    /// @param types formats of weights to multiply
    /// @throws CommandException if there is no memory for it
    static BenchRoofline measure(Kernels kernels, List<DType> types) throws IOException {
        long available = AvailableMemory.SYSTEM.bytes().orElse(LEAST_BYTES);
        long bytes = Math.min(Math.max(LEAST_BYTES, CACHES * Machine.cacheBytes()), available / 4);
        try (Arena arena = Arena.ofShared()) {
            double read = Roofline.readBytesPerSecond(kernels, HugePages.allocate(bytes, arena));
            return new BenchRoofline(
                    kernels.description(), read, bytes, HugePages.available(), Roofline.peaks(kernels, types));
        } catch (CheckpointException e) {
            throw new CommandException("--roofline reads a buffer of " + bytes + " bytes, which the system refuses");
        }
    }

    /// The format of which a model has most bytes.
    static DType mainType(OpenModel model) {
        Map<DType, Long> bytes = model.loaded().checkpoint().tensors().values().stream()
                .collect(Collectors.groupingBy(
                        Tensor::dtype,
                        Collectors.summingLong(tensor -> tensor.data().byteSize())));
        return bytes.entrySet().stream()
                .max(Map.Entry.comparingByValue())
                .orElseThrow()
                .getKey();
    }

    /// The peak that a phase could reach: the highest of its ways, or of all where the kernels have only others.
    private Peak peak(Phase phase) {
        Comparator<Peak> speed = Comparator.comparingDouble(Peak::operationsPerSecond);
        return peaks.stream()
                .filter(peak -> phase.ways().contains(peak.way()))
                .max(speed)
                .orElseGet(() -> peaks.stream().max(speed).orElseThrow());
    }

    /// What limits a phase, and how much of the limit was reached.
    private record Reached(Phase phase, Peak peak, double percentOfRead, double percentOfPeak) {
        boolean byMemory() {
            return percentOfRead > percentOfPeak;
        }

        double percent() {
            return Math.max(percentOfRead, percentOfPeak);
        }

        double perSecond(double work) {
            return work / phase.seconds();
        }

        double perToken(double work) {
            return work / phase.work().rows();
        }
    }

    private Reached reached(Phase phase) {
        Peak peak = peak(phase);
        StepWork work = phase.work();
        return new Reached(
                phase,
                peak,
                100 * work.bytes() / phase.seconds() / readBytesPerSecond,
                100 * work.operations() / phase.seconds() / peak.operationsPerSecond());
    }

    /// The figures, for JSON.
    Map<String, Object> figures(List<Phase> phases) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("kernels_description", kernels);
        figures.put("read_bytes_per_second", readBytesPerSecond);
        figures.put("read_buffer_bytes", bufferBytes);
        figures.put("huge_pages", hugePages);
        figures.put("peaks", peaks.stream().map(BenchRoofline::figures).toList());
        figures.put(
                "phases", phases.stream().map(phase -> figures(reached(phase))).toList());
        return figures;
    }

    private static Map<String, Object> figures(Peak peak) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("way", Json.name(peak.way()));
        figures.put("type", peak.type().name());
        figures.put("operations_per_second", peak.operationsPerSecond());
        return figures;
    }

    private static Map<String, Object> figures(Reached reached) {
        StepWork work = reached.phase().work();
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("phase", reached.phase().name());
        figures.put("bytes_per_token", reached.perToken(work.bytes()));
        figures.put("operations_per_token", reached.perToken(work.operations()));
        figures.put("bytes_per_second", reached.perSecond(work.bytes()));
        figures.put("operations_per_second", reached.perSecond(work.operations()));
        figures.put("percent_of_read", reached.percentOfRead());
        figures.put("percent_of_peak", reached.percentOfPeak());
        figures.put("peak", figures(reached.peak()));
        figures.put("bound_by", reached.byMemory() ? "memory" : "arithmetic");
        figures.put("percent_of_limit", reached.percent());
        return figures;
    }

    /// The figures, for people.
    List<String> lines(List<Phase> phases) {
        List<String> lines = new ArrayList<>();
        lines.add("roofline, " + kernels + ":");
        lines.add(String.format(
                Locale.ROOT,
                "  memory is read with %sB/s (%d MiB in %s pages)",
                amount(readBytesPerSecond),
                bufferBytes >> 20,
                hugePages ? "huge" : "small"));
        for (Peak peak : peaks) {
            lines.add("  " + line(peak));
        }
        for (Phase phase : phases) {
            lines.add("  " + line(reached(phase)));
        }
        return lines;
    }

    private static String line(Peak peak) {
        return rows(peak.way()) + " × " + peak.type() + " in the cache: " + amount(peak.operationsPerSecond())
                + "FLOP/s";
    }

    private static String rows(Way way) {
        return switch (way) {
            case ONE_ROW -> "1 row";
            case BATCH -> Roofline.BATCH_ROWS + " rows";
            case PROMPT -> "many rows";
        };
    }

    private static String line(Reached reached) {
        StepWork work = reached.phase().work();
        return String.format(
                Locale.ROOT,
                "%s: %sB and %sFLOP per token; %sB/s, %.0f %% of memory; %sFLOP/s, %.0f %% of %s × %s; %.0f %% of what"
                        + " %s allows",
                reached.phase().name(),
                amount(reached.perToken(work.bytes())),
                amount(reached.perToken(work.operations())),
                amount(reached.perSecond(work.bytes())),
                reached.percentOfRead(),
                amount(reached.perSecond(work.operations())),
                reached.percentOfPeak(),
                rows(reached.peak().way()),
                reached.peak().type(),
                reached.percent(),
                reached.byMemory() ? "memory" : "arithmetic");
    }

    /// A number with three digits and the letter of its size, such as `1.67 G`.
    private static String amount(double value) {
        String letters = " kMGT";
        int size = 0;
        while (value >= 999.5 && size < letters.length() - 1) {
            value /= 1000;
            size++;
        }
        int digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
        return String.format(
                Locale.ROOT,
                "%." + digits + "f %s",
                value,
                letters.substring(size, size + 1).strip());
    }
}
