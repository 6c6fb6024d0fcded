// Tokens per second of both engines on one file: A B A B …, every measurement in a fresh process.
import {cpus} from "node:os";
import {mixtral, script} from "./mixtral.mjs";
import {gb, heading, n, row, spread, summary} from "./table.mjs";

/** The phases of a measurement and what stands for them in the results. */
const phases = [["prefill", "prefill_tokens_per_second"], ["decode", "decode_tokens_per_second"]];
const engines = ["llama", "mixtral4j", "ratio"];

export function measureSpeed({prefill, decode, repeat, threads, extra}, model) {
    const pairs = [];
    for (let i = 1; i <= repeat; i++) {
        const peer = script("measure-llama.mjs", model, prefill, decode, threads, i);
        const own = JSON.parse(mixtral("bench", model, "--prefill", prefill, "--decode", decode, "--repeat", 1,
            "--threads", threads, "--seed", i, "--json", ...extra));
        pairs.push({llama: peer, mixtral4j: own});
        console.error(`${i} of ${repeat}: ` + phases.map(([name, key]) =>
            `${name} ${peer[key].toFixed(2)} and ${own[key].toFixed(2)} tokens/s`).join(", "));
    }
    const result = {
        cpu: cpus()[0]?.model ?? "unknown",
        system_info: pairs[0].llama.system_info.trim(),
        kernels: pairs[0].mixtral4j.kernels,
        kernels_description: pairs[0].mixtral4j.kernels_description,
        prefill,
        decode,
        weight_bytes_per_token: pairs[0].mixtral4j.weight_bytes_per_token,
        pairs
    };
    for (const [, key] of phases) {
        result[key] = {
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

const rate = (r, engine) => gb(r.decode_tokens_per_second[engine].median * r.weight_bytes_per_token);

/** Every run of one file. */
export function printSpeed(r) {
    console.log(`${r.name}: prefill of ${r.prefill}, decode of ${r.decode} tokens, ${r.threads} threads, ${r.cpu}\n`);
    heading("tokens/s", ...phases.flatMap(([name]) => [`${name} llama.cpp`, `${name} mixtral4j`, "ratio"]));
    r.pairs.forEach((p, i) => row(`run ${i + 1}`, ...phases.flatMap(([, key]) =>
        [p.llama[key], p.mixtral4j[key], p.mixtral4j[key] / p.llama[key]].map(n))));
    const summaries = phases.flatMap(([, key]) => engines.map((engine) => r[key][engine]));
    row("**median**", ...summaries.map((s) => `**${n(s.median)}**`));
    row("spread", ...summaries.map(spread));
    console.log(`\nWeights read in decode: ${gb(r.weight_bytes_per_token)} GB per token, `
        + `llama.cpp ${rate(r, "llama")} GB/s, mixtral4j ${rate(r, "mixtral4j")} GB/s (${r.kernels_description}).`);
    console.log(`Peak resident memory: llama.cpp ${gb(r.llama_peak_rss_bytes)} GB, `
        + `mixtral4j ${gb(r.mixtral4j_peak_rss_bytes)} GB.`);
    console.log(`llama.cpp: ${r.system_info}\n`);
}

/** The medians of several files, a line for each. */
export function printSpeeds(results) {
    heading("medians, tokens/s", ...phases.flatMap(([phase]) =>
        [`${phase} llama.cpp`, `${phase} mixtral4j`, "ratio", "spread"]), "decode GB/s");
    for (const r of results)
        row(r.name, ...phases.flatMap(([, key]) => [
            n(r[key].llama.median), n(r[key].mixtral4j.median), `**${n(r[key].ratio.median)}**`, spread(r[key].ratio)
        ]), rate(r, "mixtral4j"));
    console.log();
}
