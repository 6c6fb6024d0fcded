package io.github.mixtral4j.cli;

import java.util.Arrays;
import tools.jackson.databind.JsonNode;

/// Lists of token ids as the command line writes and reads them.
final class TokenIds {
    private TokenIds() {}

    /// Reads `1,2,3`, `1 2 3` or `[1, 2, 3]`.
    ///
    /// @throws IllegalArgumentException naming what is not an id
    static int[] parse(String text) {
        String list = text.strip();
        if (list.startsWith("[") && list.endsWith("]")) {
            list = list.substring(1, list.length() - 1).strip();
        }
        if (list.isEmpty()) {
            return new int[0];
        }
        return Arrays.stream(list.split("\\s*,\\s*|\\s+", -1))
                .mapToInt(TokenIds::parseOne)
                .toArray();
    }

    private static int parseOne(String id) {
        try {
            return Integer.parseInt(id);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "token ids are whole numbers separated by commas, got \"" + id + "\"", e);
        }
    }

    /// The ids of a JSON array.
    ///
    /// @param where what to call the array in a message
    /// @throws CommandException if it is something else
    static int[] of(String where, JsonNode array) {
        if (!array.isArray()) {
            throw new CommandException(where + ": expected a JSON array of token ids, found " + shorten(array));
        }
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            JsonNode id = array.get(i);
            if (!id.isInt()) {
                throw new CommandException(where + ": expected a token id at place " + i + ", found " + shorten(id));
            }
            ids[i] = id.intValue();
        }
        return ids;
    }

    /// Writes `[1, 2, 3]`.
    static void append(StringBuilder out, int[] ids) {
        out.append('[');
        for (int i = 0; i < ids.length; i++) {
            out.append(i == 0 ? "" : ", ").append(ids[i]);
        }
        out.append(']');
    }

    /// The beginning of a value, for a message.
    static String shorten(JsonNode value) {
        String text = value.toString();
        return text.length() <= 40 ? text : text.substring(0, 40) + "…";
    }
}
