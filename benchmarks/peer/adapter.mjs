// Both engines with one LoRA adapter: the same greedy text, and probabilities that agree.
import {availableParallelism} from "node:os";
import {fail, mixtral, randomTokens} from "./mixtral.mjs";

const usage = `Usage: benchmarks/peer/adapter MODEL.gguf ADAPTER.gguf[=SCALE] [TEXT]
Runs both engines on a model with a LoRA adapter and compares the probabilities of the next token after random tokens,
and the greedy continuation of TEXT (default: "Once upon a time").`;

const prompts = 5;
const promptTokens = 24;
const answerTokens = 24;
/** Of the Kullback-Leibler divergence; the same bounds as ./check. */
const medianLimit = 3e-3;
const singleLimit = 1e-1;

const args = process.argv.slice(2);
if (args.includes("--help") || args.includes("-h")) {
    console.log(usage);
    process.exit(0);
}
if (args.length < 2 || args.length > 3)
    fail(usage, 2);
// Only now, because help needs no llama.cpp.
const {evaluate, openModel, startLlama} = await import("./llama.mjs");
const [file, adapter, text = "Once upon a time"] = args;
const [, filePath, scale = "1"] = /^(.*?)(?:=([-+.\d]+))?$/.exec(adapter);
const threads = availableParallelism();

function softmax(logits) {
    const max = logits.reduce((a, b) => Math.max(a, b));
    const weights = logits.map((x) => Math.exp(x - max));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((w) => w / sum);
}

function divergence(probabilities, logits) {
    const own = softmax(logits);
    let sum = 0;
    for (const [token, p] of probabilities)
        if (p > 0)
            sum += p * Math.log(p / own[token]);
    return sum;
}

const logits = (tokens, ...options) =>
    JSON.parse(mixtral("logits", file, "--ids", tokens.join(","), "--json", ...options)).logits;

const llama = await startLlama(threads);
const {model, sequence, vocabSize} = await openModel(llama, file, {
    threads,
    tokens: 256,
    batch: 64,
    adapters: [{filePath, scale: Number(scale)}]
});

const divergences = [];
const withoutAdapter = [];
for (let seed = 1; seed <= prompts; seed++) {
    await sequence.clearHistory();
    const tokens = randomTokens(seed, promptTokens, vocabSize);
    const next = await evaluate(sequence, tokens, {probabilities: true});
    divergences.push(divergence(next.probabilities, logits(tokens, "--adapter", adapter)));
    withoutAdapter.push(divergence(next.probabilities, logits(tokens)));
}
divergences.sort((a, b) => a - b);
withoutAdapter.sort((a, b) => a - b);
const median = divergences[divergences.length >> 1];
console.log(`divergence of the next token: median ${median.toExponential(1)}, largest `
    + `${divergences.at(-1).toExponential(1)}; without the adapter here: ${withoutAdapter[0].toExponential(1)} to `
    + `${withoutAdapter.at(-1).toExponential(1)}`);

const run = JSON.parse(mixtral("run", file, "-p", text, "-n", answerTokens, "--temperature", "0", "--ignore-eos",
    "--json", "--adapter", adapter));
const prompt = [1, ...JSON.parse(mixtral("tokenize", "--tokenizer", file, text))];
await sequence.clearHistory();
const answer = [];
for (let tokens = prompt; answer.length < answerTokens; tokens = [answer.at(-1)])
    answer.push((await evaluate(sequence, tokens)).token);
const same = answer.findIndex((token, i) => token !== run.ids[i]);
console.log(`greedy text: ${same < 0 ? `the same ${answerTokens} tokens` : `differs from token ${same + 1} on`}`);
console.log(`  llama.cpp   ${answer.join(" ")}\n  mixtral4j   ${run.ids.join(" ")}`);
await model.dispose();

// An adapter that one engine left out would show as a divergence like that without it.
const adapted = withoutAdapter[0] > 10 * divergences.at(-1);
const ok = median <= medianLimit && divergences.at(-1) <= singleLimit && adapted && same < 0;
console.log(ok ? "agrees" : "DIFFERS");
process.exit(ok ? 0 : 1);
