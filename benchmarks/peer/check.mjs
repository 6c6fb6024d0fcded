// Both engines on what `mixtral synth` writes: llama.cpp has to load it and to agree about the next token.
import {mkdtempSync, rmSync, statfsSync} from "node:fs";
import {availableParallelism, tmpdir} from "node:os";
import {join} from "node:path";
import {fail, mixtral, randomTokens} from "./mixtral.mjs";

const usage = `Usage: benchmarks/peer/check [PRESET:LAYERS:TYPE...]
Writes checkpoints with mixtral synth, opens them with llama.cpp, and compares the probabilities of the next token.
      PRESET:LAYERS:TYPE   For example 8x22b:1:Q4_K_M. Default: tiny in eight formats, 8x7b:1:Q4_K, 8x22b:1:Q4_K_M.`;

const defaults = [
    ...["F16", "BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K", "Q4_K_M", "Q3_K_M"].map((type) => `tiny:2:${type}`),
    "8x7b:1:Q4_K",
    "8x22b:1:Q4_K_M"
];
const prompts = 5;
const promptTokens = 24;
/**
 * Of the Kullback-Leibler divergence. Both engines round activations to 8 bits, each in its own blocks, and that may
 * flip an expert choice that is nearly a tie; so the bound on a single prompt is loose and the one on the median not.
 */
const medianLimit = 3e-3;
const singleLimit = 1e-1;

function softmax(logits) {
    const max = logits.reduce((a, b) => Math.max(a, b));
    const weights = logits.map((x) => Math.exp(x - max));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((w) => w / sum);
}

/** What the engines say about one prompt: divergence, and llama.cpp's token against this engine's. */
async function compare(file, sequence, tokens) {
    await sequence.clearHistory();
    const next = await evaluate(sequence, tokens, {probabilities: true});
    const own = softmax(JSON.parse(mixtral("logits", file, "--ids", tokens.join(","), "--json")).logits);
    if (next.probabilities.size !== own.length)
        throw new Error(`llama.cpp knows ${next.probabilities.size} tokens, mixtral4j ${own.length}`);
    let divergence = 0;
    let largest = 0;
    for (const [token, p] of next.probabilities) {
        if (p > 0)
            divergence += p * Math.log(p / own[token]);
        largest = Math.max(largest, Math.abs(p - own[token]));
    }
    const top = own.indexOf(own.reduce((a, b) => Math.max(a, b)));
    // Two tokens that one engine holds for equally likely may come out in either order.
    const sameToken = top === next.token || own[top] - own[next.token] <= 2 * largest;
    return {divergence, largest, sameToken, top, peerTop: next.token};
}

async function check(llama, folder, name) {
    const [preset, layers, type] = name.split(":");
    const file = join(folder, `${preset}-${layers}.${type}.gguf`);
    mixtral("synth", "--preset", preset, "--layers", layers, "--type", type, file);
    let model;
    try {
        const threads = availableParallelism();
        const opened = await openModel(llama, file, {threads, tokens: promptTokens, batch: promptTokens});
        model = opened.model;
        const results = [];
        for (let seed = 1; seed <= prompts; seed++)
            results.push(await compare(file, opened.sequence, randomTokens(seed, promptTokens, opened.vocabSize)));
        const divergences = results.map((r) => r.divergence).sort((a, b) => a - b);
        const median = divergences[divergences.length >> 1];
        const wrong = results.filter((r) => !r.sameToken);
        const ok = median <= medianLimit && divergences.at(-1) <= singleLimit && wrong.length === 0;
        const equal = results.filter((r) => r.top === r.peerTop).length;
        console.log(`| ${name} | ${ok ? "agrees" : "DIFFERS"} | ${equal} of ${prompts} | ${median.toExponential(1)} | `
            + `${divergences.at(-1).toExponential(1)} | ${Math.max(...results.map((r) => r.largest)).toExponential(1)} |`);
        return ok;
    } catch (e) {
        console.log(`| ${name} | FAILS: ${e.message} | | | | |`);
        return false;
    } finally {
        await model?.dispose();
        rmSync(file, {force: true});
    }
}

const names = process.argv.slice(2);
if (names.includes("--help") || names.includes("-h")) {
    console.log(usage);
    process.exit(0);
}
for (const name of names)
    if (!/^\w+:[1-9]\d*:\w+$/.test(name))
        fail(`expected PRESET:LAYERS:TYPE, got ${name}\n${usage}`, 2);

// Only now, because help needs no llama.cpp.
const {evaluate, openModel, startLlama} = await import("./llama.mjs");
const folder = mkdtempSync(join(tmpdir(), "mixtral4j-check-"));
process.on("exit", () => rmSync(folder, {recursive: true, force: true}));
const {bavail, bsize} = statfsSync(folder);
if (names.length === 0 && bavail * bsize < 3e9)
    fail(`${folder}: the check needs 3 GB of disk, free are ${(bavail * bsize / 1e9).toFixed(1)} GB`);
const llama = await startLlama(availableParallelism());
console.log("| file | | same token | median divergence | largest | largest difference of a probability |");
console.log("|---|---|---:|---:|---:|---:|");
let failures = 0;
for (const name of names.length ? names : defaults)
    failures += await check(llama, folder, name) ? 0 : 1;
process.exit(failures ? 1 : 0);
