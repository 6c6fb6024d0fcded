package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.checkpoint.Names;
import io.github.mixtral4j.train.TrainException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.composer.Composer;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;

/// A YAML file as a tree of nodes that know their lines.
final class YamlFile {
    /// Far beyond any config written by people.
    private static final long MAX_BYTES = 1L << 20;

    private YamlFile() {}

    /// Reads a file that holds one mapping.
    ///
    /// @throws TrainException if it is not YAML, or something else than a mapping
    static MappingNode read(Path file) throws IOException {
        if (Files.size(file) > MAX_BYTES) {
            throw new TrainException(
                    file + ": " + Files.size(file) + " bytes, expected a config of at most " + MAX_BYTES);
        }
        try {
            // A list of aliases of lists of aliases is small, and endless when it is written out.
            LoadSettings settings = LoadSettings.builder()
                    .setLabel(file.toString())
                    .setMaxAliasesForCollections(0)
                    .build();
            StreamReader reader = new StreamReader(settings, Files.readString(file));
            Optional<Node> root = new Composer(settings, new ParserImpl(settings, reader)).getSingleNode();
            if (root.isPresent() && root.get() instanceof MappingNode map) {
                return map;
            }
            throw new TrainException(file + ": expected keys with values, such as \"steps: 1000\"");
        } catch (CharacterCodingException e) {
            throw new TrainException(file + ": not text in UTF-8", e);
        } catch (MarkedYamlEngineException e) {
            throw new TrainException(
                    at(file, e.getProblemMark()) + ": not YAML: " + Names.printable(e.getProblem()), e);
        } catch (YamlEngineException e) {
            throw new TrainException(file + ": not YAML: " + firstLine(String.valueOf(e.getMessage())), e);
        } catch (StackOverflowError e) {
            throw new TrainException(file + ": not a config: nested too deeply", e);
        }
    }

    /// The file and, where it is known, the line.
    static String at(Path file, Optional<Mark> mark) {
        return mark.map(m -> file + ":" + (m.getLine() + 1)).orElse(file.toString());
    }

    private static String firstLine(String text) {
        return Names.printable(text.lines().findFirst().orElse(""));
    }
}
