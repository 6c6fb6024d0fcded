// llama.cpp and mixtral4j in turn on one file: A B A B …, every measurement in a fresh process.
import {existsSync, mkdirSync, statfsSync} from "node:fs";
import {availableParallelism, cpus} from "node:os";
import {join, resolve} from "node:path";
import {parseArgs} from "node:util";
import {fail, mixtral, root, script} from "./mixtral.mjs";

const usage = `Usage: benchmarks/peer/run [--prefill=N] [--decode=N] [--repeat=N] [--threads=N] [--json] [MODEL.gguf]
                            [-- OPTION...]
Measures llama.cpp and mixtral4j in turn on the same file, tokens and threads and prints a Markdown table.
      MODEL.gguf     The file. Default: a slice of four layers of Mixtral 8x22B with random weights in Q4_K
                       (5.9 GB), made on first use in benchmarks/target/peer.
      --prefill=N    Tokens of the prompt, computed at once (default: 512).
      --decode=N     Tokens computed one by one after it (default: 64).
      --repeat=N     Pairs of measurements (default: 3).
      --threads=N    Threads of both (default: one per core).
      --json         Print JSON.
      -- OPTION...   Options for mixtral bench, for example -- --load=copy`;

function options() {
    const separator = process.argv.indexOf("--");
    const own = process.argv.slice(2, separator < 0 ? undefined : separator);
    let parsed;
    try {
        parsed = parseArgs({
            args: own,
            allowPositionals: true,
            options: {
                prefill: {type: "string", default: "512"},
                decode: {type: "string", default: "64"},
                repeat: {type: "string", default: "3"},
                threads: {type: "string", default: String(availableParallelism())},
                json: {type: "boolean", default: false},
                help: {type: "boolean", short: "h", default: false}
            }
        });
    } catch (e) {
        fail(`${e.message.split(". ")[0]}\n${usage}`, 2);
    }
    const {values, positionals} = parsed;
    if (values.help) {
        console.log(usage);
        process.exit(0);
    }
    if (positionals.length > 1)
        fail(`expected one model, got ${positionals.join(" ")}\n${usage}`, 2);
    const number = (name) => {
        if (!/^[1-9][0-9]{0,5}$/.test(values[name]))
            fail(`--${name} must be a positive number, got ${values[name]}`, 2);
        return Number(values[name]);
    };
    return {
        model: positionals[0],
        prefill: number("prefill"),
        decode: number("decode"),
        repeat: number("repeat"),
        threads: number("threads"),
        json: values.json,
        extra: separator < 0 ? [] : process.argv.slice(separator + 1)
    };
}

/** The slice of the default measurement, made if it is not there. */
function slice() {
    const folder = join(root, "benchmarks", "target", "peer");
    const path = join(folder, "8x22b-4.Q4_K.gguf");
    if (existsSync(path))
        return path;
    mkdirSync(folder, {recursive: true});
    const {bavail, bsize} = statfsSync(folder);
    const needed = 6.5e9;
    if (bavail * bsize < needed)
        fail(`${folder}: the slice of 8x22B needs ${needed / 1e9} GB of disk, free are `
            + `${(bavail * bsize / 1e9).toFixed(1)} GB: make room or give a MODEL`);
    console.error(`peer: writing ${path}`);
    mixtral("synth", "--preset", "8x22b", "--layers", 4, "--type", "Q4_K", path);
    return path;
}

const sorted = (values) => [...values].sort((a, b) => a - b);
const median = (values) => {
    const s = sorted(values);
    const middle = s.length >> 1;
    return s.length % 2 ? s[middle] : (s[middle - 1] + s[middle]) / 2;
};
const summary = (values) => ({median: median(values), min: Math.min(...values), max: Math.max(...values)});

/** The phases of a measurement and what stands for them in the results. */
const phases = [["prefill", "prefill_tokens_per_second"], ["decode", "decode_tokens_per_second"]];

function measure({model, prefill, decode, repeat, threads, extra}) {
    const pairs = [];
    for (let i = 1; i <= repeat; i++) {
        const peer = script("measure-llama.mjs", model, prefill, decode, threads, i);
        const own = JSON.parse(mixtral("bench", model, "--prefill", prefill, "--decode", decode, "--repeat", 1,
            "--threads", threads, "--seed", i, "--json", ...extra));
        pairs.push({llama: peer, mixtral4j: own});
        console.error(`${i} of ${repeat}: ` + phases.map(([name, key]) =>
            `${name} ${peer[key].toFixed(2)} and ${own[key].toFixed(2)} tokens/s`).join(", "));
    }
    return pairs;
}

function summarize(settings, pairs) {
    const result = {
        model: settings.model,
        cpu: cpus()[0]?.model ?? "unknown",
        system_info: pairs[0].llama.system_info.trim(),
        kernels: pairs[0].mixtral4j.kernels,
        threads: settings.threads,
        prefill: settings.prefill,
        decode: settings.decode,
        weight_bytes_per_token: pairs[0].mixtral4j.weight_bytes_per_token,
        pairs
    };
    for (const [name, key] of phases) {
        result[name + "_tokens_per_second"] = {
            llama: summary(pairs.map((p) => p.llama[key])),
            mixtral4j: summary(pairs.map((p) => p.mixtral4j[key])),
            // Of pairs, not of medians: what disturbs the machine for minutes disturbs both sides of a pair.
            ratio: summary(pairs.map((p) => p.mixtral4j[key] / p.llama[key]))
        };
    }
    for (const engine of ["llama", "mixtral4j"])
        result[engine + "_peak_rss_bytes"] = Math.max(...pairs.map((p) => p[engine].peak_rss_bytes ?? 0));
    return result;
}

function print(r) {
    const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);
    const n = (x) => x.toFixed(2);
    const gb = (x) => (x / 1e9).toFixed(2);
    const engines = ["llama", "mixtral4j", "ratio"];
    console.log(`${r.model}: prefill of ${r.prefill}, decode of ${r.decode} tokens, ${r.threads} threads, ${r.cpu}\n`);
    row("tokens/s", ...phases.flatMap(([name]) => [`${name} llama.cpp`, `${name} mixtral4j`, "ratio"]));
    row("---", ...Array(6).fill("---:"));
    r.pairs.forEach((p, i) => row(`run ${i + 1}`, ...phases.flatMap(([, key]) =>
        [p.llama[key], p.mixtral4j[key], p.mixtral4j[key] / p.llama[key]].map(n))));
    const summaries = phases.flatMap(([, key]) => engines.map((engine) => r[key][engine]));
    row("**median**", ...summaries.map((s) => `**${n(s.median)}**`));
    row("spread", ...summaries.map((s) => `${n(s.min)}–${n(s.max)}`));
    const rate = (engine) => gb(r.decode_tokens_per_second[engine].median * r.weight_bytes_per_token);
    console.log(`\nWeights read in decode: ${gb(r.weight_bytes_per_token)} GB per token, llama.cpp ${rate("llama")} GB/s, `
        + `mixtral4j ${rate("mixtral4j")} GB/s (${r.kernels} kernels).`);
    console.log(`Peak resident memory: llama.cpp ${gb(r.llama_peak_rss_bytes)} GB, `
        + `mixtral4j ${gb(r.mixtral4j_peak_rss_bytes)} GB.`);
    console.log(`llama.cpp: ${r.system_info}`);
}

const settings = options();
settings.model = settings.model === undefined ? slice() : resolve(settings.model);
if (!existsSync(settings.model))
    fail(`${settings.model}: there is no such file`);
const result = summarize(settings, measure(settings));
if (settings.json)
    console.log(JSON.stringify(result));
else
    print(result);
