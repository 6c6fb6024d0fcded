package io.github.mixtral4j.train.model;

import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.Arena;

/// A tensor that training changes: float32 master values and their gradient, of the same shape. The arena that it was
/// allocated from owns both.
public final class Parameter {
    private final String name;
    private final Rows value;
    private final Rows gradient;
    private final boolean decays;

    /// A parameter of zeros.
    ///
    /// @param name its name in Hugging Face's files, `model.layers.0.self_attn.q_proj.weight` for one
    /// @param rows output width; 1 for a vector
    /// @param cols input width
    /// @param decays whether weight decay shrinks it: matrices yes, norms no
    public Parameter(String name, int rows, int cols, boolean decays, Arena arena) {
        this.name = name;
        this.decays = decays;
        value = Rows.allocate(arena, rows, cols);
        gradient = Rows.allocate(arena, rows, cols);
    }

    /// Its name in Hugging Face's files.
    public String name() {
        return name;
    }

    /// Output width; 1 for a vector.
    public int rows() {
        return value.capacity();
    }

    /// Input width.
    public int cols() {
        return value.cols();
    }

    /// The master values, all rows in use.
    public Rows value() {
        return value;
    }

    /// What backward passes have added since somebody set it to zero.
    public Rows gradient() {
        return gradient;
    }

    /// Whether weight decay shrinks it.
    public boolean decays() {
        return decays;
    }
}
