package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.checkpoint.GgufCheckpoint;
import io.github.mixtral4j.load.AdapterWriter;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.model.Adapter;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.LowRank;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import io.github.mixtral4j.testkit.BlockFormat;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyTokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// --adapter and merge-adapter: the same numbers whether an adapter is added at run time or for good, in whichever
/// container it and the model come.
final class AdapterCommandsTest {
    private static final TinyMixtral MODEL = TinyMixtral.create(
                    TinyConfig.mixtral().withVocabSize(1280), 7, name -> BlockFormat.F32)
            .withTokenizer(TinyTokenizer.v3(1280));

    @TempDir
    private static Path folder;

    private static Path gguf;
    private static Path old;
    private static Path huggingFace;
    private static Path mistral;
    private static Path peft;
    private static Path lora;

    @BeforeAll
    static void writeModels() throws IOException {
        gguf = MODEL.writeGguf(folder.resolve("tiny.gguf"), TinyMixtral.GgufStyle.DEFAULT);
        old = MODEL.writeGguf(folder.resolve("old.gguf"), new TinyMixtral.GgufStyle(2, false, 2));
        huggingFace = Files.createDirectory(folder.resolve("hf"));
        MODEL.writeHuggingFace(huggingFace, 2);
        mistral = Files.createDirectory(folder.resolve("mistral"));
        MODEL.writeMistral(mistral, 1);
        peft = folder.resolve("peft");
        lora = folder.resolve("lora.gguf");
        try (LoadedModel base = ModelLoader.load(huggingFace)) {
            MixtralConfig config = base.config();
            Adapter adapter = random(config, 4, 1, target -> true);
            AdapterWriter.writePeft(peft, adapter, config, "tiny");
            AdapterWriter.writeGguf(lora, adapter, config);
            AdapterWriter.writeGguf(
                    folder.resolve("attention.gguf"),
                    random(config, 2, 2, target -> !target.kind().isOfExpert()),
                    config);
        }
    }

    private static Adapter random(MixtralConfig config, int rank, int seed, Predicate<AdapterTarget> chosen) {
        Random random = new Random(seed);
        Map<AdapterTarget, LowRank> changes = new LinkedHashMap<>();
        AdapterTarget.all(config).stream().filter(chosen).forEach(target -> {
            int cols = target.cols(config);
            changes.put(
                    target,
                    new LowRank(
                            matrix(rank, cols, random, 1 / Math.sqrt(cols)),
                            matrix(target.rows(config), rank, random, 0.5),
                            0.5f));
        });
        return new Adapter("random " + seed, changes);
    }

    private static Tensor matrix(int rows, int cols, Random random, double deviation) {
        MemorySegment data = Arena.ofAuto().allocate(4L * rows * cols, 64);
        for (int i = 0; i < rows * cols; i++) {
            data.setAtIndex(Rows.FLOAT, i, (float) (deviation * random.nextGaussian()));
        }
        return new Tensor("matrix", DType.F32, Shape.matrix(rows, cols), data);
    }

    private static double[] logits(Path model, String... options) {
        Cli result = Cli.run(Stream.concat(
                        Stream.of("logits", model.toString(), "--ids=1,42,7,300,511", "--kernels=vector", "--json"),
                        Stream.of(options))
                .toArray(String[]::new));
        assertThat(result.code()).as(result.err()).isEqualTo(0);
        var logits = Json.MAPPER.readTree(result.out()).get("logits");
        double[] values = new double[logits.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = logits.get(i).doubleValue();
        }
        return values;
    }

    private static Path merged(Path model, String name, String... adapters) {
        Path out = folder.resolve(name);
        Cli result = Cli.run(
                Stream.of(Stream.of("merge-adapter", model.toString()), Stream.of(adapters), Stream.of(out.toString()))
                        .flatMap(part -> part)
                        .toArray(String[]::new));
        assertThat(result.code()).as(result.err()).isEqualTo(0);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).matches("(?s).*" + name + ": \\d+ of \\d+ tensors changed, 0\\.\\d\\d GB in .* s\n");
        return out;
    }

    @Test
    void anAdapterIsTheSameInBothContainersAndOnEveryModel() {
        double[] expected = logits(gguf, "--adapter", lora.toString());
        assertThat(distance(expected, logits(gguf))).isGreaterThan(0.5);
        for (Path model : List.of(gguf, old, huggingFace, mistral)) {
            for (Path adapter : List.of(lora, peft)) {
                assertThat(logits(model, "--adapter", adapter.toString()))
                        .as(model + " with " + adapter)
                        .containsExactly(expected, within(2e-3));
            }
        }
    }

    @Test
    void mergedIsUnmergedInEveryContainer() {
        double[] expected = logits(gguf, "--adapter", peft.toString());
        for (Path model : List.of(gguf, old, huggingFace, mistral)) {
            String name = model.getFileName() + "-merged" + (Files.isDirectory(model) ? "" : ".gguf");
            assertThat(logits(merged(model, name, peft.toString()))).as(name).containsExactly(expected, within(2e-3));
        }
    }

    @Test
    void adaptersAddUpInTheirStrengths() {
        String half = lora + "=0.5";
        String minus = folder.resolve("attention.gguf") + "=-2";
        double[] unmerged = logits(huggingFace, "--adapter=" + half, "--adapter=" + minus);
        assertThat(logits(gguf, "--adapter=" + lora + "=0.25", "--adapter=" + lora + "=.25", "--adapter", minus))
                .containsExactly(unmerged, within(2e-3));
        assertThat(logits(merged(gguf, "two.gguf", half, minus))).containsExactly(unmerged, within(2e-3));
        assertThat(logits(gguf, "--adapter", lora + "=0")).isEqualTo(logits(gguf));
    }

    @Test
    void quantizedTensorsKeepTheirFormatAndOnlyChangedOnesTheirBytes() throws IOException {
        TinyMixtral tiny = TinyMixtral.create(
                        TinyConfig.mixtral().withVocabSize(1280),
                        3,
                        name -> name.contains("w2")
                                ? BlockFormat.Q6_K
                                : name.contains("wv") ? BlockFormat.Q8_0 : BlockFormat.Q4_K)
                .withTokenizer(TinyTokenizer.v3(1280));
        Path base = tiny.writeGguf(folder.resolve("quantized.gguf"), TinyMixtral.GgufStyle.DEFAULT);
        Path adapter = folder.resolve("some.gguf");
        Adapter changes;
        try (LoadedModel model = ModelLoader.load(base)) {
            changes = random(
                    model.config(),
                    3,
                    5,
                    target -> target.layer() == 1 && (target.kind() == AdapterTarget.Kind.WV || target.expert() == 4));
            AdapterWriter.writeGguf(adapter, changes, model.config());
        }
        Path out = merged(base, "requantized.gguf", adapter.toString());
        try (GgufCheckpoint before = (GgufCheckpoint) Checkpoint.open(base);
                GgufCheckpoint after = (GgufCheckpoint) Checkpoint.open(out);
                LoadedModel model = ModelLoader.load(base);
                LoadedModel merged = ModelLoader.load(out)) {
            assertThat(after.metadata().values()).isEqualTo(before.metadata().values());
            assertThat(after.tensors().keySet())
                    .containsExactlyElementsOf(before.tensors().keySet());
            before.tensors().forEach((name, tensor) -> {
                assertThat(after.tensor(name).dtype()).isEqualTo(tensor.dtype());
                boolean same = tensor.data().mismatch(after.tensor(name).data()) < 0;
                assertThat(same).as(name).isEqualTo(!name.matches("blk\\.1\\.(attn_v|ffn_.*_exps)\\.weight"));
            });
            for (AdapterTarget target : AdapterTarget.all(model.config())) {
                assertThat(bytes(target.in(merged.weights())))
                        .as(target.toString())
                        .isEqualTo(encoded(
                                target.in(model.weights()), changes.changes().get(target)));
            }
        }
    }

    private static byte[] bytes(Tensor tensor) {
        return tensor.data().toArray(ValueLayout.JAVA_BYTE);
    }

    /// The bytes of a matrix with a change, summed number by number.
    private static byte[] encoded(Tensor w, @Nullable LowRank change) {
        if (change == null) {
            return bytes(w);
        }
        BlockCodec codec = BlockCodec.of(w.dtype());
        float[] values = new float[w.rows() * w.cols()];
        codec.decode(w.data(), 0, values, 0, values.length);
        float[] a = change.aValues();
        float[] b = change.bValues();
        for (int i = 0; i < values.length; i++) {
            float sum = 0;
            for (int r = 0; r < change.rank(); r++) {
                sum += change.scale() * b[i / w.cols() * change.rank() + r] * a[r * w.cols() + i % w.cols()];
            }
            values[i] += sum;
        }
        MemorySegment out = MemorySegment.ofArray(new byte[(int) w.data().byteSize()]);
        codec.encode(values, 0, out, 0, values.length);
        return out.toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void aMergedFolderHasTheConfigTheTokenizerAndTheShardsOfItsBase() throws IOException {
        Files.writeString(huggingFace.resolve("generation_config.json"), "{}");
        Files.writeString(huggingFace.resolve("params.json"), "{}");
        Files.write(huggingFace.resolve("pytorch_model.bin"), new byte[8]);
        Path out = merged(huggingFace, "hf-files", peft.toString());
        try (Stream<Path> files = Files.list(out)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "config.json",
                            "generation_config.json",
                            "model-00001-of-00002.safetensors",
                            "model-00002-of-00002.safetensors",
                            "model.safetensors.index.json",
                            "tokenizer.model");
        }
        assertThat(out.resolve("tokenizer.model")).hasSameBinaryContentAs(huggingFace.resolve("tokenizer.model"));
        Cli again = Cli.run("merge-adapter", huggingFace.toString(), peft.toString(), out.toString());
        assertThat(again).isEqualTo(new Cli(1, "", "mixtral merge-adapter: " + out + ": exists already\n"));
    }

    @Test
    void theSameTextComesOut() {
        Path out = merged(gguf, "text.gguf", lora.toString());
        String[] run = {"run", "-p", "ab", "-n", "12", "--temperature", "0", "--ignore-eos", "--kernels", "vector"};
        Cli unmerged = Cli.run(Stream.of(run, new String[] {gguf.toString(), "--adapter", lora.toString()})
                .flatMap(Stream::of)
                .toArray(String[]::new));
        Cli merged = Cli.run(Stream.of(run, new String[] {out.toString()})
                .flatMap(Stream::of)
                .toArray(String[]::new));
        assertThat(unmerged.code()).as(unmerged.err()).isEqualTo(0);
        assertThat(merged.out()).isEqualTo(unmerged.out());
    }

    @Test
    void mistakesAreSaidInOneSentence() throws IOException {
        refuses(
                2,
                "mixtral logits: an adapter is given as PATH or PATH=SCALE with a finite number, got lora.gguf=much",
                "logits",
                gguf.toString(),
                "--ids=1",
                "--adapter=lora.gguf=much");
        refuses(
                2,
                "mixtral logits: an adapter is given as PATH or PATH=SCALE with a finite number, got lora.gguf=NaN",
                "logits",
                gguf.toString(),
                "--ids=1",
                "--adapter=lora.gguf=NaN");
        refuses(
                1,
                "mixtral run: absent.gguf: no such file or folder",
                "run",
                gguf.toString(),
                "-p",
                "a",
                "--adapter",
                "absent.gguf=2");
        refuses(
                1,
                "mixtral run: tiny.gguf: holds no adapter; expected a GGUF file whose general.type is \"adapter\", or"
                        + " adapter_model.safetensors with adapter_config.json",
                "run",
                gguf.toString(),
                "-p",
                "a",
                "--adapter",
                gguf.toString());
        refuses(
                1,
                "mixtral inspect: lora.gguf: is an adapter, not a model; open the model it was made for and add the"
                        + " adapter to it (--adapter)",
                "inspect",
                lora.toString());
        refuses(
                2,
                "mixtral merge-adapter: OUT must be no adapter and no file of MODEL, got " + gguf
                        + "; name the file to write last",
                "merge-adapter",
                gguf.toString(),
                lora.toString(),
                gguf.toString());
        refuses(
                2,
                "mixtral merge-adapter: OUT must be no adapter and no file of MODEL, got "
                        + folder.resolve("attention.gguf") + "; name the file to write last",
                "merge-adapter",
                gguf.toString(),
                lora.toString(),
                folder.resolve("attention.gguf").toString());
        refuses(
                2,
                "mixtral merge-adapter: OUT must be no adapter and no file of MODEL, got "
                        + peft.resolve("adapter_model.safetensors") + "; name the file to write last",
                "merge-adapter",
                gguf.toString(),
                peft.toString(),
                peft.resolve("adapter_model.safetensors").toString());
        refuses(
                1,
                "mixtral merge-adapter: " + folder + ": is a folder; name the GGUF file to write",
                "merge-adapter",
                gguf.toString(),
                lora.toString(),
                folder.toString());
        refuses(
                1,
                "mixtral merge-adapter: " + folder.resolve("no/out.gguf") + ": there is no folder "
                        + folder.resolve("no"),
                "merge-adapter",
                gguf.toString(),
                lora.toString(),
                folder.resolve("no/out.gguf").toString());
        assertThat(Cli.run("merge-adapter", gguf.toString(), lora.toString()).code())
                .isEqualTo(2);
    }

    private static void refuses(int code, String message, String... command) {
        assertThat(Cli.run(command)).isEqualTo(new Cli(code, "", message + "\n"));
    }

    private static double distance(double[] a, double[] b) {
        double most = 0;
        for (int i = 0; i < a.length; i++) {
            most = Math.max(most, Math.abs(a[i] - b[i]));
        }
        return most;
    }
}
