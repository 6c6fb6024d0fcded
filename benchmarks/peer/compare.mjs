// llama.cpp and mixtral4j in turn on the same files: reads the options, measures file after file, prints.
import {availableParallelism} from "node:os";
import {parseArgs} from "node:util";
import {defaultFolder, files, withFile} from "./files.mjs";
import {measureFirstToken, printFirstToken, printFirstTokens} from "./first-token.mjs";
import {fail, mixtral} from "./mixtral.mjs";
import {measureSpeed, printSpeed, printSpeeds} from "./speed.mjs";

const usage = `Usage: benchmarks/peer/run [OPTION]... [MODEL.gguf]... [-- OPTION...]
Measures llama.cpp and mixtral4j in turn on the same file, tokens and threads and prints Markdown tables: every run of
each file, and for several files their medians.
      MODEL.gguf...   The files. Default: a slice of four layers of Mixtral 8x22B with random weights in Q4_K (5.9 GB),
                        made on first use and kept.
      --type=T,...    Instead of MODEL: a slice in each of these formats, one after the other made, measured and
                        deleted. Formats as in mixtral synth, for example Q4_K_M,Q5_K,Q6_K,Q8_0.
      --preset=NAME   Geometry of the slices: 8x22b, 8x7b or tiny (default: 8x22b).
      --layers=N      Layers of the slices (default: 4).
      --folder=DIR    Where slices are made (default: $MIXTRAL4J_BENCH_FOLDER, or benchmarks/target/peer). Slices that
                        are there already are used and kept.
      --keep          Keep the slices.
      --measure=WHAT  speed: tokens/s of prefill and decode; first-token: seconds from the start of a process to its
                        first token, after a prompt of 16; or both with a comma (default: speed).
      --prefill=N     Tokens of the prompt, computed at once (default: 512).
      --decode=N      Tokens computed one by one after it (default: 64).
      --repeat=N      Pairs of measurements (default: 3).
      --threads=N     Threads of both (default: one per core).
      --json          Print JSON, one line with every figure for each file.
      -- OPTION...    Options for mixtral bench and mixtral run, for example -- --load=copy
Examples:
  benchmarks/peer/run
  benchmarks/peer/run --preset 8x7b --layers 8 --type Q4_K_M
  benchmarks/peer/run --type Q4_K_M,Q5_K,Q6_K,Q8_0,Q4_0,Q3_K,Q2_K,F16,BF16 --layers 2 --folder /tmp
  benchmarks/peer/run --measure first-token --repeat 5`;

function parse(args) {
    try {
        return parseArgs({
            args,
            allowPositionals: true,
            options: {
                type: {type: "string"},
                preset: {type: "string"},
                layers: {type: "string"},
                folder: {type: "string", default: defaultFolder},
                keep: {type: "boolean", default: false},
                measure: {type: "string", default: "speed"},
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
}

function options() {
    const separator = process.argv.indexOf("--");
    const {values, positionals} = parse(process.argv.slice(2, separator < 0 ? undefined : separator));
    if (values.help) {
        console.log(usage);
        process.exit(0);
    }
    const number = (name, text) => {
        if (!/^[1-9][0-9]{0,5}$/.test(text))
            fail(`--${name} must be a positive number, got ${text}`, 2);
        return Number(text);
    };
    const words = (name, allowed) => {
        const list = values[name].split(",");
        for (const word of list)
            if (!allowed.test(word))
                fail(`--${name} cannot be ${JSON.stringify(values[name])}\n${usage}`, 2);
        return list;
    };
    const asked = ["type", "preset", "layers"].filter((name) => values[name] !== undefined);
    if (asked.length > 0 && positionals.length > 0)
        fail(`--${asked[0]} is for slices that are made, but ${positionals[0]} is to be measured\n${usage}`, 2);
    values.type ??= "Q4_K";
    values.preset ??= "8x22b";
    return {
        models: positionals,
        types: words("type", /^\w+$/),
        preset: words("preset", /^\w+$/)[0],
        layers: number("layers", values.layers ?? "4"),
        folder: values.folder,
        keep: values.keep || asked.length === 0,
        measure: words("measure", /^(speed|first-token)$/),
        prefill: number("prefill", values.prefill),
        decode: number("decode", values.decode),
        repeat: number("repeat", values.repeat),
        threads: number("threads", values.threads),
        json: values.json,
        extra: separator < 0 ? [] : process.argv.slice(separator + 1)
    };
}

async function measure(settings, model) {
    const result = {model, threads: settings.threads};
    if (settings.measure.includes("speed"))
        Object.assign(result, measureSpeed(settings, model));
    if (settings.measure.includes("first-token"))
        result.first_token = await measureFirstToken(settings, model);
    return result;
}

const settings = options();
for (const signal of ["SIGINT", "SIGTERM"])
    process.on(signal, () => process.exit(1)); // by way of "exit", where a slice is removed
mixtral("--version"); // builds, if it has to
const results = [];
for (const file of files(settings)) {
    const result = {name: file.name, ...await withFile(file, (path) => measure(settings, path))};
    results.push(result);
    if (settings.json) {
        console.log(JSON.stringify(result));
        continue;
    }
    if (result.pairs)
        printSpeed(result);
    if (result.first_token)
        printFirstToken(result);
}
if (results.length > 1 && !settings.json) {
    if (settings.measure.includes("speed"))
        printSpeeds(results);
    if (settings.measure.includes("first-token"))
        printFirstTokens(results);
}
