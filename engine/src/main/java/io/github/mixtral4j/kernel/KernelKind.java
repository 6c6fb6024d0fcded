package io.github.mixtral4j.kernel;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// Which kernels to run.
public enum KernelKind {
    /// The fastest that works here.
    AUTO,
    /// The readable reference: slow, for comparisons.
    SCALAR,
    /// The Java Vector API.
    VECTOR,
    /// C for the processor at hand, and the Java Vector API for the rest.
    NATIVE;

    /// The kind with this name, in either case.
    ///
    /// @throws IllegalArgumentException listing the names
    public static KernelKind of(String name) {
        return Arrays.stream(values())
                .filter(kind -> kind.name().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("kernels must be one of "
                        + Arrays.stream(values())
                                .map(kind -> kind.name().toLowerCase(Locale.ROOT))
                                .collect(Collectors.joining(", "))
                        + ", got \"" + name + "\""));
    }
}
