// Seconds from the start of a process to its first token, of both engines in turn on one file and the same ids.
import {spawn} from "node:child_process";
import {closeSync, openSync, readSync} from "node:fs";
import {command, fail, path, tokenize} from "./mixtral.mjs";
import {heading, median, n, row, spread, summary} from "./table.mjs";

/** Tokens of the prompt, begin-of-text included. */
const promptTokens = 16;

/** Starts a program; the seconds to its first byte of output and to its end, and its output. */
function timed(what, program, args) {
    return new Promise((done) => {
        const start = performance.now();
        const child = spawn(program, args.map(String), {stdio: ["ignore", "pipe", "pipe"]});
        const since = () => (performance.now() - start) / 1000;
        let seconds;
        let stdout = "";
        let stderr = "";
        child.stdout.on("data", (data) => {
            seconds ??= since();
            stdout += data;
        });
        child.stderr.on("data", (data) => stderr += data);
        child.on("error", (e) => fail(`${what} failed: ${e.message}`));
        child.on("close", (code) => {
            if (code !== 0)
                fail(`${what} failed with exit code ${code}\n${stderr}`);
            done({seconds, total_seconds: since(), stdout});
        });
    });
}

/** Reads a file once, so that both engines find it in the page cache. */
function intoPageCache(path) {
    const buffer = Buffer.allocUnsafe(1 << 24);
    const file = openSync(path, "r");
    while (readSync(file, buffer) > 0);
    closeSync(file);
}

/** A text that becomes so many ids, and these ids. Single letters are tokens of nearly every vocabulary. */
function promptOf(model, tokens) {
    const letters = [..."abcdefghijklmnopqrstuvwxyz"].join(" ");
    const texts = Array.from({length: letters.length}, (_, i) => letters.slice(0, i + 1));
    const found = tokenize(model, texts)
        .map((ids, i) => ({text: texts[i], ids}))
        .find(({ids}) => ids.length === tokens);
    return found ?? fail(`${model}: no beginning of "${letters}" has ${tokens} tokens`);
}

/** Seconds that a program takes to do nothing, the median of three. */
async function idle(what, program, args) {
    const runs = [];
    for (let i = 0; i < 3; i++)
        runs.push((await timed(what, program, args)).total_seconds);
    return median(runs);
}

export async function measureFirstToken({repeat, threads, extra}, model) {
    // Both engines put begin-of-text in front.
    const {text, ids} = promptOf(model, promptTokens - 1);
    intoPageCache(model);
    const pairs = [];
    for (let i = 1; i <= repeat; i++) {
        const peer = await timed(
            "llama.cpp", process.execPath, [path("measure-first-token.mjs"), model, threads, ids.join(",")]);
        const own = await timed("mixtral4j", command, ["run", model, "-p", text, "-n", 1, "--temperature", 0,
            "--ignore-eos", "--threads", threads, ...extra]);
        const {stdout, ...times} = peer;
        const llama = {...times, ...JSON.parse(stdout.trim().split("\n").at(-1))};
        pairs.push({llama, mixtral4j: {seconds: own.seconds, total_seconds: own.total_seconds}});
        console.error(`${i} of ${repeat}: first token after ${n(llama.seconds)} and ${n(own.seconds)} s`);
    }
    return {
        prompt: text,
        prompt_tokens: promptTokens,
        start_of_node_seconds: await idle("node", process.execPath, ["-e", "0"]),
        start_of_mixtral4j_seconds: await idle("./mixtral --version", command, ["--version"]),
        pairs,
        llama_seconds: summary(pairs.map((p) => p.llama.seconds)),
        llama_without_node_seconds: summary(pairs.map((p) => p.llama.seconds - p.llama.node_seconds)),
        mixtral4j_seconds: summary(pairs.map((p) => p.mixtral4j.seconds)),
        ratio: summary(pairs.map((p) => p.llama.seconds / p.mixtral4j.seconds)),
        ratio_without_node: summary(pairs.map((p) => (p.llama.seconds - p.llama.node_seconds) / p.mixtral4j.seconds))
    };
}

/** Every run of one file. */
export function printFirstToken({name, threads, first_token: r}) {
    console.log(`${name}: from the start of the process to the first token, prompt of ${r.prompt_tokens} tokens, the `
        + `file in the page cache, ${threads} threads\n`);
    heading("seconds", "llama.cpp", "of it Node.js", "mixtral4j", "ratio", "ratio without Node.js");
    for (const [i, {llama, mixtral4j}] of r.pairs.entries())
        row(`run ${i + 1}`, ...[llama.seconds, llama.node_seconds, mixtral4j.seconds, llama.seconds / mixtral4j.seconds,
            (llama.seconds - llama.node_seconds) / mixtral4j.seconds].map(n));
    const summaries = [r.llama_seconds, summary(r.pairs.map((p) => p.llama.node_seconds)), r.mixtral4j_seconds, r.ratio,
        r.ratio_without_node];
    row("**median**", ...summaries.map((s) => `**${n(s.median)}**`));
    row("spread", ...summaries.map(spread));
    console.log("\nRatio: llama.cpp's seconds by mixtral4j's, above 1 mixtral4j is sooner. Both from the start of the "
        + "process to the first byte of output. llama.cpp: Node.js starts and loads the scripts of node-llama-cpp "
        + "(\"of it Node.js\"), then llama.cpp and the model, makes a context, evaluates and samples. mixtral4j: "
        + "`./mixtral run`, the shell script and the start of the JVM included. To do nothing takes Node.js "
        + `${n(r.start_of_node_seconds)} s and \`./mixtral --version\` ${n(r.start_of_mixtral4j_seconds)} s.\n`);
}

/** The medians of several files, a line for each. */
export function printFirstTokens(results) {
    heading("medians, seconds to the first token", "llama.cpp", "without Node.js", "mixtral4j", "ratio", "spread");
    for (const result of results) {
        const r = result.first_token;
        row(result.name, n(r.llama_seconds.median), n(r.llama_without_node_seconds.median),
            n(r.mixtral4j_seconds.median), `**${n(r.ratio.median)}**`, spread(r.ratio));
    }
    console.log();
}
