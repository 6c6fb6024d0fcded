package io.github.mixtral4j.tokenizer;

import java.util.Arrays;

/// Encodes one text. Merges the best-scored pair of neighbours, the leftmost of equals, until no pair makes a piece:
/// the ids are those of SentencePiece's `bpe::Model::Encode`.
///
/// The text is cut where no piece could span (see [MergeTable#mayJoin]), which leaves little more than words. Short
/// parts are looked up in a cache; the others are merged with a heap, n log n in the length of the part.
///
/// Inside a part each symbol covers a run of cells, one cell per character, and is known by its first cell. `span`
/// holds its length in its first and in its last cell, so that both neighbours are found without links:
/// ```
/// cell   0   1   2   3   4        symbols "▁th" "e" "re"
/// id     ▁th .   .   e   re  .    next of cell 0: 0 + span[0] = 3
/// span   3   .   3   1   2   2    previous of cell 4: 4 - span[3] = 3
/// ```
final class BpeEncoder {
    private final Vocabulary vocabulary;
    private final MergeTable table;
    private final SegmentCache cache;
    private final String text;

    private int[] ids;
    private int count;

    private int[] symbol = new int[64];
    private int[] span = new int[64];
    /// What the symbol at this cell and its right neighbour make, or -1; -1 in cells that are not a first cell.
    private int[] merged = new int[64];
    /// Binary min-heap of `rank << 32 | cell`. An entry whose pair has changed since is passed over when it comes up.
    private long[] heap = new long[64];

    private int heapSize;

    /// @param text as it will be cut, the dummy prefix included
    BpeEncoder(Vocabulary vocabulary, MergeTable table, SegmentCache cache, String text) {
        this.vocabulary = vocabulary;
        this.table = table;
        this.cache = cache;
        this.text = text;
        this.ids = new int[16 + text.length() / 3];
    }

    int[] encode() {
        int start = 0;
        int previous = MergeTable.NO_SYMBOL;
        int index = 0;
        while (index < text.length()) {
            int piece = table.userDefinedAt(text, index);
            if (piece >= 0) {
                encodeSegment(start, index);
                add(piece);
                index += vocabulary.piece(piece).length();
                start = index;
                previous = MergeTable.NO_SYMBOL;
                continue;
            }
            int character = characterAt(index);
            int next = table.symbolOf(character);
            if (!table.mayJoin(previous, next)) {
                encodeSegment(start, index);
                start = index;
            }
            previous = next;
            index += Character.charCount(character);
        }
        encodeSegment(start, index);
        return Arrays.copyOf(ids, count);
    }

    /// Half of a surrogate pair has no UTF-8; it is read as U+FFFD.
    private int characterAt(int index) {
        char c = text.charAt(index);
        if (!Character.isSurrogate(c)) {
            return c;
        }
        int character = text.codePointAt(index);
        return Character.isSupplementaryCodePoint(character) ? character : 0xFFFD;
    }

    private void encodeSegment(int start, int end) {
        if (start == end) {
            return;
        }
        int character = characterAt(start);
        if (start + Character.charCount(character) == end) {
            addSymbol(table.symbolOf(character), character);
        } else if (end - start > SegmentCache.MAX_LENGTH) {
            mergeSegment(start, end);
        } else {
            int hash = SegmentCache.hash(text, start, end);
            int[] known = cache.get(hash, text, start, end);
            if (known != null) {
                reserve(known.length);
                System.arraycopy(known, 0, ids, count, known.length);
                count += known.length;
            } else {
                int from = count;
                mergeSegment(start, end);
                cache.put(hash, text.substring(start, end), Arrays.copyOfRange(ids, from, count));
            }
        }
    }

    private void mergeSegment(int start, int end) {
        int cells = 0;
        allocate(end - start);
        for (int index = start; index < end; cells++) {
            int character = characterAt(index);
            symbol[cells] = table.symbolOf(character);
            span[cells] = 1;
            index += Character.charCount(character);
        }
        for (int cell = 0; cell + 1 < cells; cell++) {
            findPair(cell, cell + 1);
        }
        merged[cells - 1] = -1;
        while (heapSize > 0) {
            long best = pop();
            int left = (int) best;
            int piece = merged[left];
            // Entries are equal exactly when rank and place are, so a late entry that fits again is as good as its own.
            if (piece >= 0 && table.rank(piece) == (int) (best >>> Integer.SIZE)) {
                join(left, piece, cells);
            }
        }
        for (int cell = 0; cell < cells; cell += span[cell]) {
            addSymbol(symbol[cell], -1);
        }
    }

    private void join(int left, int piece, int cells) {
        int right = left + span[left];
        int length = span[left] + span[right];
        merged[right] = -1;
        symbol[left] = piece;
        span[left] = length;
        span[left + length - 1] = length;
        if (left + length < cells) {
            findPair(left, left + length);
        } else {
            merged[left] = -1;
        }
        if (left > 0) {
            findPair(left - span[left - 1], left);
        }
    }

    private void findPair(int left, int right) {
        int piece = table.merge(symbol[left], symbol[right]);
        merged[left] = piece;
        if (piece >= 0) {
            push(((long) table.rank(piece) << Integer.SIZE) | left);
        }
    }

    private void push(long entry) {
        if (heapSize == heap.length) {
            heap = Arrays.copyOf(heap, heap.length + (heap.length >> 1));
        }
        int place = heapSize++;
        while (place > 0 && entry < heap[(place - 1) >> 1]) {
            heap[place] = heap[(place - 1) >> 1];
            place = (place - 1) >> 1;
        }
        heap[place] = entry;
    }

    private long pop() {
        long top = heap[0];
        long entry = heap[--heapSize];
        int place = 0;
        for (int child = 1; child < heapSize; child = 2 * place + 1) {
            if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
                child++;
            }
            if (entry <= heap[child]) {
                break;
            }
            heap[place] = heap[child];
            place = child;
        }
        heap[place] = entry;
        return top;
    }

    private void allocate(int cells) {
        if (symbol.length < cells) {
            symbol = new int[cells];
            span = new int[cells];
            merged = new int[cells];
        }
    }

    /// @param character what the symbol is for when it is [MergeTable#NO_SYMBOL]
    private void addSymbol(int symbol, int character) {
        if (symbol >= 0 && symbol < vocabulary.size()) {
            add(symbol);
        } else {
            addBytes(symbol < 0 ? character : table.characterOf(symbol));
        }
    }

    /// Spells a character with its UTF-8 bytes.
    private void addBytes(int character) {
        int bytes = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
        if (bytes == 1) {
            add(vocabulary.byteId(character));
            return;
        }
        // 110x xxxx, 1110 xxxx or 1111 0xxx
        int lead = (0xF00 >> bytes) & 0xFF;
        int shift = 6 * (bytes - 1);
        add(vocabulary.byteId(lead | (character >> shift)));
        while (shift > 0) {
            shift -= 6;
            add(vocabulary.byteId(0x80 | ((character >> shift) & 0x3F)));
        }
    }

    private void add(int id) {
        reserve(1);
        ids[count++] = id;
    }

    private void reserve(int more) {
        if (ids.length - count < more) {
            ids = Arrays.copyOf(ids, Math.max(count + more, ids.length + (ids.length >> 1)));
        }
    }
}
