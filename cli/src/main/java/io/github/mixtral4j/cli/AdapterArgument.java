package io.github.mixtral4j.cli;

import io.github.mixtral4j.load.AdapterLoader;
import io.github.mixtral4j.load.LoadedAdapter;
import io.github.mixtral4j.model.Adapter;
import io.github.mixtral4j.model.MixtralConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// An adapter as the command line names it: `PATH`, or `PATH=SCALE`.
///
/// @param path where it is
/// @param scale how much of it counts
record AdapterArgument(Path path, float scale) {
    /// Reads an argument. A path that exists may contain a `=` of its own.
    ///
    /// @throws IllegalArgumentException if the scale is no number
    static AdapterArgument parse(String argument) {
        int sign = argument.lastIndexOf('=');
        if (sign < 0 || Files.exists(Path.of(argument))) {
            return new AdapterArgument(Path.of(argument), 1);
        }
        String scale = argument.substring(sign + 1);
        try {
            float number = Float.parseFloat(scale);
            if (Float.isFinite(number)) {
                return new AdapterArgument(Path.of(argument.substring(0, sign)), number);
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new IllegalArgumentException(
                "an adapter is given as PATH or PATH=SCALE with a finite number, got " + argument);
    }

    /// Adapters that are open together.
    ///
    /// @param loaded the files
    /// @param adapters what is in them, in the given strengths
    record Opened(List<LoadedAdapter> loaded, List<Adapter> adapters) implements AutoCloseable {
        @Override
        public void close() {
            loaded.forEach(LoadedAdapter::close);
        }
    }

    /// Opens adapters for a model.
    static Opened open(List<AdapterArgument> arguments, MixtralConfig base) throws IOException {
        Opened opened = new Opened(new ArrayList<>(), new ArrayList<>());
        try {
            for (AdapterArgument argument : arguments) {
                LoadedAdapter loaded = AdapterLoader.load(argument.path(), base);
                opened.loaded.add(loaded);
                opened.adapters.add(loaded.adapter().times(argument.scale()));
            }
            return opened;
        } catch (Throwable e) {
            opened.close();
            throw e;
        }
    }
}
