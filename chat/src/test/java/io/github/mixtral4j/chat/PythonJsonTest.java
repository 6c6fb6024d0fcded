package io.github.mixtral4j.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;

class PythonJsonTest {
    /// The second column is `json.dumps(json.loads(first))` of CPython 3.11.
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "-0, 0",
        "-0.0, -0.0",
        "1.0, 1.0",
        "1.10, 1.1",
        "1e5, 100000.0",
        "1E-7, 1e-07",
        "0.0001, 0.0001",
        "0.00001, 1e-05",
        "2.5e-5, 2.5e-05",
        "1e15, 1000000000000000.0",
        "1e16, 1e+16",
        "123456789012345680.0, 1.2345678901234568e+17",
        "1e22, 1e+22",
        "1e23, 1e+23",
        "-1.5e300, -1.5e+300",
        "123456789.125, 123456789.125",
        "0.1, 0.1",
        "5e-324, 5e-324",
        "2.2250738585072014e-308, 2.2250738585072014e-308",
        "1.7976931348623157e308, 1.7976931348623157e+308",
        "1e400, Infinity",
        "-1e400, -Infinity",
        "NaN, NaN",
        "-Infinity, -Infinity",
        "123456789012345678901234567890, 123456789012345678901234567890",
        "true, true",
        "null, null",
    })
    void writesNumbersAsPython(String text, String expected) {
        assertThat(PythonJson.write(PythonJson.read(text))).isEqualTo(expected);
    }

    @Test
    void writesSpacesKeysAndCharactersAsPython() {
        assertThat(roundTrip("{\"b\":1,\"a\":[],\"\":{},\"c\":[1,[2],\"x\"]}"))
                .isEqualTo("{\"b\": 1, \"a\": [], \"\": {}, \"c\": [1, [2], \"x\"]}");
        assertThat(roundTrip("\"\\u00e9\\ud83e\\udd99\\/\\\\\\\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\\u2028[\""))
                .isEqualTo("\"é🦙/\\\\\\\"\\b\\f\\n\\r\\t\\u0001\\u001f\u007f\u2028[\"");
        assertThat(roundTrip("[\"[\", \"{\", {\"{\": \"{\"}]")).isEqualTo("[\"[\", \"{\", {\"{\": \"{\"}]");
    }

    @Test
    void aRepeatedKeyKeepsItsPlaceAndItsLastValue() {
        assertThat(roundTrip("{\"a\":1,\"b\":2,\"a\":3}")).isEqualTo("{\"a\": 3, \"b\": 2}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "01",
                "1.",
                ".5",
                "+1",
                "INF",
                "-INF",
                "[INF]",
                "+Infinity",
                "nan",
                "1 2",
                "[1,]",
                "{\"a\":1,}",
                "{",
                "'x'",
                "\"a\nb\"",
                "\"\\x\"",
                "tru",
                "// c\n1",
                "\u00a01",
                "\ufeff1",
                "{a:1}",
                "0x10",
                "1_000"
            })
    void refusesWhatPythonRefuses(String text) {
        assertThatThrownBy(() -> PythonJson.read(text)).isInstanceOf(JacksonException.class);
    }

    @Test
    void refusesNestingThatWouldOverflowTheStack() {
        assertThatThrownBy(() -> PythonJson.read("[".repeat(100_000))).isInstanceOf(JacksonException.class);
    }

    @Test
    void everyDoubleReadsBackTheSame() {
        Random random = new Random(1);
        for (int i = 0; i < 20_000; i++) {
            double number = Double.longBitsToDouble(random.nextLong());
            if (Double.isFinite(number)) {
                String text = PythonJson.repr(number);
                assertThat(Double.parseDouble(text)).as(text).isEqualTo(number);
            }
        }
    }

    private static String roundTrip(String text) {
        return PythonJson.write(PythonJson.read(text));
    }
}
