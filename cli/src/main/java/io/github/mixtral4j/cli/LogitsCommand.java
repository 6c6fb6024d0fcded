package io.github.mixtral4j.cli;

import io.github.mixtral4j.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `mixtral logits`: what the model computes for given tokens, number by number.
@Command(
        name = "logits",
        customSynopsis = "mixtral logits MODEL --ids=1,2,3 [--json] [OPTION]...",
        description = "Runs the model over token ids and prints the logits of the last position, the experts chosen for"
                + " every token in every layer, and the losses.",
        footer = {
            "",
            "With --json:",
            "  logits               of the last position, one per token of the vocabulary",
            "  experts              [layer][token][K], best first; empty for a dense model",
            "  nll                  mean next-token loss; null for a single token",
            "  load_balancing_loss  over all layers, K in perfect balance; null for a dense model"
        })
final class LogitsCommand implements Callable<Integer> {
    private final Console console;

    @Parameters(paramLabel = "MODEL", description = "A GGUF file, or a Hugging Face or Mistral folder.")
    private Path path;

    @Option(
            names = "--ids",
            required = true,
            paramLabel = "IDS",
            description = "Token ids, separated by commas, begin-of-text included if it is wanted.")
    private String ids;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Mixin
    private ModelOptions options;

    LogitsCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        int[] tokens = TokenIds.parse(ids);
        try (OpenModel model = options.open(console, path)) {
            Probe probe = Probe.run(model.model(), tokens, options.kvType(DType.F32));
            if (json) {
                printJson(probe);
            } else {
                print(probe);
            }
        }
        return Main.OK;
    }

    private void print(Probe probe) {
        float[] logits = probe.logits();
        int[] best = IntStream.range(0, logits.length)
                .boxed()
                .sorted(Comparator.comparingDouble(id -> -logits[id]))
                .limit(10)
                .mapToInt(id -> id)
                .toArray();
        console.println("likeliest next tokens:");
        for (int id : best) {
            console.println(String.format(Locale.ROOT, "  %d: %.4f", id, logits[id]));
        }
        for (int layer = 0; layer < probe.experts().length; layer++) {
            int[][] tokens = probe.experts()[layer];
            console.println(
                    "layer " + layer + ", experts of the last token: " + Arrays.toString(tokens[tokens.length - 1]));
        }
        probe.nll().ifPresent(nll -> console.println(String.format(Locale.ROOT, "mean next-token loss: %.6f", nll)));
        probe.loadBalancingLoss()
                .ifPresent(loss -> console.println(String.format(Locale.ROOT, "load-balancing loss: %.6f", loss)));
    }

    private void printJson(Probe probe) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("logits", probe.logits());
        result.put("experts", probe.experts());
        result.put("nll", Json.number(probe.nll().orElse(Double.NaN)));
        result.put("load_balancing_loss", Json.number(probe.loadBalancingLoss().orElse(Double.NaN)));
        Json.print(console, result);
    }
}
