package io.github.mixtral4j.model;

/// Rows to run through the model, possibly of many sequences, prefill and decode mixed.
///
/// Example: sequence 0 decodes its token at position 7 while sequence 1 prefills three tokens and wants the logits of
/// the last: `tokens [42, 1, 733, 16289]`, `positions [7, 0, 1, 2]`, `sequences [0, 1, 1, 1]`, `logitRows [0, 3]`.
///
/// The arrays are borrowed for the duration of the call.
///
/// @param tokens token id of each row
/// @param positions position of each row in its sequence; rows of a sequence are consecutive positions in ascending
///     order and start at the sequence's length in the cache
/// @param sequences the cache sequence of each row, from [KvCache#openSequence()]
/// @param logitRows ascending row indices whose next-token logits are wanted
public record Batch(int[] tokens, int[] positions, int[] sequences, int[] logitRows) {
    /// @throws IllegalArgumentException if lengths differ or a logit row is out of range
    public Batch {
        if (tokens.length == 0 || tokens.length != positions.length || tokens.length != sequences.length) {
            throw new IllegalArgumentException("a batch needs equal, non-empty tokens, positions and sequences, got "
                    + tokens.length + ", " + positions.length + ", " + sequences.length);
        }
        for (int i = 0; i < logitRows.length; i++) {
            if (logitRows[i] < 0 || logitRows[i] >= tokens.length || (i > 0 && logitRows[i] <= logitRows[i - 1])) {
                throw new IllegalArgumentException("logit rows must be ascending row indices below " + tokens.length);
            }
        }
    }

    /// Rows in the batch.
    public int size() {
        return tokens.length;
    }

    /// `count` consecutive tokens of one sequence, starting at `position`; logits of the last row only.
    public static Batch ofSequence(int sequence, int position, int[] tokens, int from, int count) {
        return ofSequence(sequence, position, tokens, from, count, new int[] {count - 1});
    }

    /// `count` consecutive tokens of one sequence, starting at `position`, with chosen logit rows.
    public static Batch ofSequence(int sequence, int position, int[] tokens, int from, int count, int[] logitRows) {
        int[] ids = new int[count];
        int[] positions = new int[count];
        int[] sequences = new int[count];
        for (int i = 0; i < count; i++) {
            ids[i] = tokens[from + i];
            positions[i] = position + i;
            sequences[i] = sequence;
        }
        return new Batch(ids, positions, sequences, logitRows);
    }
}
