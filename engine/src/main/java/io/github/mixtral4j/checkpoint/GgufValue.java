package io.github.mixtral4j.checkpoint;

import java.util.List;

/// A metadata value of a GGUF file with its type in the file.
public sealed interface GgufValue {
    /// The type in the file.
    GgufType type();

    /// An integer of any width.
    ///
    /// @param value the number; of a `UINT64` from 2^63 on, its bits
    record Int(GgufType type, long value) implements GgufValue {
        /// @throws IllegalArgumentException if `type` is not an integer type or does not hold `value`
        public Int {
            if (!type.holds(value)) {
                throw new IllegalArgumentException(type + " does not hold the integer " + value);
            }
        }

        @Override
        public String toString() {
            return type == GgufType.UINT64 ? Long.toUnsignedString(value) : Long.toString(value);
        }
    }

    /// A floating-point number.
    record Real(GgufType type, double value) implements GgufValue {
        /// @throws IllegalArgumentException if `type` is not a floating-point type, or FLOAT32 would round `value`
        public Real {
            boolean fits = type == GgufType.FLOAT64
                    || (type == GgufType.FLOAT32 && Double.compare(value, (double) (float) value) == 0);
            if (!fits) {
                throw new IllegalArgumentException(type + " does not hold the number " + value);
            }
        }

        @Override
        public String toString() {
            return type == GgufType.FLOAT32 ? Float.toString((float) value) : Double.toString(value);
        }
    }

    /// A truth value.
    record Bool(boolean value) implements GgufValue {
        @Override
        public GgufType type() {
            return GgufType.BOOL;
        }

        @Override
        public String toString() {
            return Boolean.toString(value);
        }
    }

    /// A text.
    record Text(String value) implements GgufValue {
        @Override
        public GgufType type() {
            return GgufType.STRING;
        }

        @Override
        public String toString() {
            return Names.quote(value);
        }
    }

    /// Values of one type; arrays may nest.
    record Array(GgufType elementType, List<GgufValue> elements) implements GgufValue {
        /// @throws IllegalArgumentException if an element has another type
        public Array {
            elements = List.copyOf(elements);
            for (GgufValue element : elements) {
                if (element.type() != elementType) {
                    throw new IllegalArgumentException(
                            "an array of " + elementType + " cannot hold a " + element.type());
                }
            }
        }

        @Override
        public GgufType type() {
            return GgufType.ARRAY;
        }

        @Override
        public String toString() {
            return "[" + elements.size() + " × " + elementType + "]";
        }
    }

    /// A 32-bit unsigned integer, the usual type of counts.
    static GgufValue uint32(long value) {
        return new Int(GgufType.UINT32, value);
    }

    /// A 32-bit float.
    static GgufValue float32(float value) {
        return new Real(GgufType.FLOAT32, value);
    }

    /// A truth value.
    static GgufValue bool(boolean value) {
        return new Bool(value);
    }

    /// A text.
    static GgufValue text(String value) {
        return new Text(value);
    }

    /// An array of texts.
    static GgufValue texts(List<String> values) {
        return new Array(GgufType.STRING, values.stream().map(GgufValue::text).toList());
    }

    /// An array of 32-bit floats.
    static GgufValue float32s(List<Float> values) {
        return new Array(
                GgufType.FLOAT32, values.stream().map(GgufValue::float32).toList());
    }

    /// An array of 32-bit signed integers.
    static GgufValue int32s(List<Integer> values) {
        return new Array(
                GgufType.INT32,
                values.stream()
                        .<GgufValue>map(value -> new Int(GgufType.INT32, value))
                        .toList());
    }
}
