package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.checkpoint.Names;
import io.github.mixtral4j.train.TrainException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/// A mapping in a YAML file, read key by key. Every message names the file, the line and the whole key; keys
/// that nobody asked for are an error of [#done()], because a misspelt option that is passed over costs a
/// night of training.
final class YamlMap {
    private static final Pattern NUMBER = Pattern.compile("[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?");

    private final Path file;
    private final String prefix;
    private final Map<String, Node> values = new LinkedHashMap<>();
    private final TreeSet<String> known = new TreeSet<>();
    private final List<YamlMap> children = new ArrayList<>();
    private final Optional<Mark> start;

    private YamlMap(Path file, String prefix, MappingNode node) {
        this.file = file;
        this.prefix = prefix;
        this.start = node.getStartMark();
        for (NodeTuple tuple : node.getValue()) {
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                throw problem(tuple.getKeyNode(), prefix.isEmpty() ? "the file" : prefix, "keys must be plain words");
            }
            if (values.put(key.getValue(), tuple.getValueNode()) != null) {
                throw problem(key, prefix + key.getValue(), "stands here twice");
            }
        }
    }

    /// Reads a file that holds one mapping.
    ///
    /// @throws TrainException if it is not YAML, or something else than a mapping
    static YamlMap read(Path file) throws IOException {
        return new YamlMap(file, "", YamlFile.read(file));
    }

    /// Whether the key has a value.
    boolean has(String key) {
        known.add(key);
        return values.containsKey(key);
    }

    /// The mapping under a key, empty if there is none.
    Optional<YamlMap> map(String key) {
        Node node = get(key);
        if (node == null) {
            return Optional.empty();
        }
        if (!(node instanceof MappingNode mapping)) {
            throw expected(node, key, "keys with values below it");
        }
        return Optional.of(child(key + ".", mapping));
    }

    /// The mapping under a key that must be there.
    YamlMap needMap(String key) {
        return map(key).orElseThrow(() -> missing(key));
    }

    /// A text.
    Optional<String> text(String key) {
        Node node = get(key);
        return node == null ? Optional.empty() : Optional.of(text(node, key));
    }

    /// One of the words.
    String word(String key, String unsaid, String... words) {
        Optional<String> word = text(key);
        if (word.isPresent() && !List.of(words).contains(word.get())) {
            throw expected(get(key), key, "one of " + String.join(", ", words));
        }
        return word.orElse(unsaid);
    }

    /// True or false.
    boolean flag(String key, boolean unsaid) {
        return word(key, Boolean.toString(unsaid), "true", "false").equals("true");
    }

    /// A path; a relative one counts from the folder of the file.
    Optional<Path> path(String key) {
        return text(key).map(this::resolve);
    }

    /// A whole number, if the key is there.
    Optional<Integer> integer(String key, int min) {
        return number(key, "a whole number of at least " + min, text -> {
            int value = Integer.parseInt(text);
            return value >= min ? value : null;
        });
    }

    /// A whole number.
    int integer(String key, int min, int unsaid) {
        return integer(key, min).orElse(unsaid);
    }

    /// A whole number of 64 bits.
    long wide(String key, long unsaid) {
        return number(key, "a whole number", Long::parseLong).orElse(unsaid);
    }

    /// A number, if the key is there.
    Optional<Double> real(String key, Range range) {
        return number(key, "a number " + range, text -> {
            if (!NUMBER.matcher(text).matches()) {
                return null;
            }
            double value = Double.parseDouble(text);
            return range.contains(value) ? value : null;
        });
    }

    /// A number.
    double real(String key, Range range, double unsaid) {
        return real(key, range).orElse(unsaid);
    }

    /// The elements of a list, or the one value that stands in its place; empty if there is none.
    ///
    /// @param word reads an element that is a text
    /// @param map reads an element that is a mapping
    <T> List<T> list(String key, Function<String, T> word, Function<YamlMap, T> map) {
        Node node = get(key);
        List<T> elements = new ArrayList<>();
        if (node != null) {
            List<Node> nodes = node instanceof SequenceNode sequence ? sequence.getValue() : List.of(node);
            for (int i = 0; i < nodes.size(); i++) {
                String name = key + "[" + i + "]";
                elements.add(
                        nodes.get(i) instanceof MappingNode mapping
                                ? map.apply(child(name + ".", mapping))
                                : word.apply(text(nodes.get(i), name)));
            }
        }
        return elements;
    }

    /// The elements of a list of texts.
    List<String> texts(String key) {
        return list(key, Function.identity(), map -> {
            throw expected(get(key), key, "texts");
        });
    }

    /// The path that a text of this file means.
    Path resolve(String text) {
        return file.toAbsolutePath().resolveSibling(text).normalize();
    }

    /// @throws TrainException if there are keys, here or below, that nobody asked for
    void done() {
        for (Map.Entry<String, Node> entry : values.entrySet()) {
            if (!known.contains(entry.getKey())) {
                throw new TrainException(YamlFile.at(file, entry.getValue().getStartMark()) + ": unknown key " + prefix
                        + Names.printable(entry.getKey()) + Names.similar(entry.getKey(), known) + "; known here: "
                        + String.join(", ", known));
            }
        }
        children.forEach(YamlMap::done);
    }

    /// What the values are as texts, by their whole keys, for a comparison with another file.
    Map<String, String> flat() {
        Map<String, String> flat = new LinkedHashMap<>();
        values.forEach((key, node) -> flatten(prefix + key, node, flat));
        return flat;
    }

    private static void flatten(String key, Node node, Map<String, String> flat) {
        switch (node) {
            case MappingNode map ->
                map.getValue().forEach(tuple -> {
                    String name = tuple.getKeyNode() instanceof ScalarNode scalar ? scalar.getValue() : "?";
                    flatten(key + "." + name, tuple.getValueNode(), flat);
                });
            case SequenceNode sequence -> {
                for (int i = 0; i < sequence.getValue().size(); i++) {
                    flatten(key + "[" + i + "]", sequence.getValue().get(i), flat);
                }
            }
            case ScalarNode scalar -> flat.put(key, scalar.getValue());
            default -> flat.put(key, node.toString());
        }
    }

    /// An error in the value of a key.
    TrainException problem(String key, String problem) {
        Node node = values.get(key);
        return node == null
                ? new TrainException(YamlFile.at(file, start) + ": " + prefix + key + " " + problem)
                : problem(node, prefix + key, problem);
    }

    /// The error of a key that has to be there.
    TrainException missing(String key) {
        return new TrainException(YamlFile.at(file, start) + ": " + prefix + key + " is missing");
    }

    private YamlMap child(String name, MappingNode node) {
        YamlMap map = new YamlMap(file, prefix + name, node);
        children.add(map);
        return map;
    }

    private @Nullable Node get(String key) {
        known.add(key);
        return values.get(key);
    }

    private String text(Node node, String key) {
        if (node instanceof ScalarNode scalar && !scalar.getValue().isBlank()) {
            return scalar.getValue();
        }
        throw expected(node, key, "a text");
    }

    private <T> Optional<T> number(String key, String what, Function<String, @Nullable T> parse) {
        Node node = get(key);
        if (node == null) {
            return Optional.empty();
        }
        try {
            T value = node instanceof ScalarNode scalar ? parse.apply(scalar.getValue()) : null;
            if (value != null) {
                return Optional.of(value);
            }
        } catch (NumberFormatException e) {
            // said below, as for a number that is out of range
        }
        throw expected(node, key, what);
    }

    private TrainException expected(@Nullable Node node, String key, String what) {
        String found = switch (node) {
            case ScalarNode scalar -> scalar.getValue().isBlank() ? "nothing" : Names.printable(scalar.getValue());
            case SequenceNode _ -> "a list";
            case MappingNode _ -> "keys with values below it";
            case null, default -> "nothing";
        };
        String message = "must be " + what + ", got " + found;
        return node == null ? problem(key, message) : problem(node, prefix + key, message);
    }

    private TrainException problem(Node node, String key, String problem) {
        return new TrainException(YamlFile.at(file, node.getStartMark()) + ": " + key + " " + problem);
    }
}
