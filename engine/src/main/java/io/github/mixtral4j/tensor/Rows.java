package io.github.mixtral4j.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Activations: a float32 matrix buffer of `capacity` rows, of which the first [#count()] are in use.
///
/// Rows are contiguous and start at multiples of 64 bytes when `cols` is a multiple of 16. The buffer is allocated
/// once and reused for every step, so that a forward pass allocates nothing; its arena owns the memory. One thread
/// at a time changes the count; workers may read and write disjoint rows.
public final class Rows {
    /// Layout of an activation; activations live in memory only, so the machine's byte order is used.
    public static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;

    private final MemorySegment data;
    private final int capacity;
    private final int cols;
    private int first;
    private int count;

    private Rows(MemorySegment data, int capacity, int cols) {
        this.data = data;
        this.capacity = capacity;
        this.cols = cols;
        this.count = capacity;
    }

    /// A zeroed buffer of `capacity` rows of `cols` floats; all rows are in use at first.
    public static Rows allocate(Arena arena, int capacity, int cols) {
        if (capacity <= 0 || cols <= 0) {
            throw new IllegalArgumentException("rows and columns must be positive, got " + capacity + " x " + cols);
        }
        return new Rows(arena.allocate((long) capacity * cols * Float.BYTES, 64), capacity, cols);
    }

    /// Rows over memory that somebody else owns; all are in use.
    public static Rows of(MemorySegment memory, int rows, int cols) {
        return new Rows(memory.asSlice(0, (long) rows * cols * Float.BYTES), rows, cols);
    }

    /// Another view of the same buffer, whose rows in use are its own business: see [#withRows(int, int)].
    public Rows view() {
        return new Rows(data, capacity, cols);
    }

    /// A view of rows `[from, from + rows)`, all in use.
    public Rows slice(int from, int rows) {
        return view().withRows(from, rows);
    }

    /// Makes rows `[from, from + rows)` of the buffer the rows in use: row 0 is then the buffer's row `from`.
    ///
    /// @return this
    public Rows withRows(int from, int rows) {
        if (from < 0 || rows < 0 || from > capacity - rows) {
            throw new IllegalArgumentException(
                    "a buffer of " + capacity + " rows has no " + rows + " rows from " + from + " on");
        }
        first = from;
        count = rows;
        return this;
    }

    /// The whole buffer, row-major.
    public MemorySegment data() {
        return data;
    }

    /// Rows that fit into the buffer.
    public int capacity() {
        return capacity;
    }

    /// Floats per row.
    public int cols() {
        return cols;
    }

    /// Rows in use.
    public int count() {
        return count;
    }

    /// Sets the number of rows in use; their content stays as it is.
    ///
    /// @return this
    public Rows withCount(int rows) {
        if (rows < 0 || rows > capacity - first) {
            throw new IllegalArgumentException("a buffer of " + (capacity - first) + " rows cannot hold " + rows);
        }
        count = rows;
        return this;
    }

    /// Byte offset of a row in [#data()].
    public long offset(int row) {
        return (long) (first + row) * cols * Float.BYTES;
    }

    /// Bytes of a row.
    public long rowBytes() {
        return (long) cols * Float.BYTES;
    }

    /// One element.
    public float get(int row, int col) {
        return data.get(FLOAT, offset(row) + (long) col * Float.BYTES);
    }

    /// Sets one element.
    public void set(int row, int col, float value) {
        data.set(FLOAT, offset(row) + (long) col * Float.BYTES, value);
    }
}
