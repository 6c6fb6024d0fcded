// This project's command line, as the comparisons call it, and the random tokens that both engines get.
import {spawnSync} from "node:child_process";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** The root of the repository. */
export const root = join(here, "..", "..");

/** Ends the program: `message` says what is wrong. Exit code 1: failed, 2: wrong usage. */
export function fail(message, code = 1) {
    console.error(message);
    process.exit(code);
}

function output(what, program, args, input = "") {
    const {status, error, stdout, stderr} = spawnSync(program, args, {encoding: "utf8", maxBuffer: 1 << 28, input});
    if (error || status !== 0)
        fail(`${what} failed${error ? `: ${error.message}` : ` with exit code ${status}`}\n${stderr ?? ""}`);
    return stdout;
}

/** The program `./mixtral`. */
export const command = join(root, "mixtral");

/** Runs `./mixtral ARGS` and returns what it wrote to standard output. */
export const mixtral = (...args) => output(`./mixtral ${args.join(" ")}`, command, args.map(String));

/** The ids of each text, without begin-of-text. */
export const tokenize = (model, texts) =>
    output("./mixtral tokenize", command, ["tokenize", "--tokenizer", model, "--jsonl"],
        texts.map((text) => JSON.stringify(text) + "\n").join("")).trim().split("\n").map((line) => JSON.parse(line));

/** Where a script of this folder is. */
export const path = (name) => join(here, name);

/** Runs a script of this folder in a process of its own and returns the JSON value that it prints last. */
export const script = (name, ...args) =>
    JSON.parse(output(name, process.execPath, [path(name), ...args.map(String)]).trim().split("\n").at(-1));

const mask = (1n << 64n) - 1n;

/**
 * The tokens that `mixtral bench --seed` draws: java.util.SplittableRandom(seed).ints(count, 0, bound). Same tokens,
 * same experts; and random ones, because a repeated token would read the same two experts from the cache again.
 */
export function randomTokens(seed, count, bound) {
    let state = BigInt(seed) & mask;
    const next = () => {
        state = (state + 0x9e3779b97f4a7c15n) & mask;
        let z = ((state ^ (state >> 33n)) * 0x62a9d9ed799705f5n) & mask;
        z = ((z ^ (z >> 28n)) * 0xcb24d0a5c88c35b3n) & mask;
        return Number(z >> 32n);
    };
    // As the JDK does it: the low bits for a power of two, else the remainder of 31 bits, rejecting the last part range.
    const powerOfTwo = (bound & (bound - 1)) === 0;
    const end = 2 ** 31 - (2 ** 31 % bound);
    return Array.from({length: count}, () => {
        let value = next();
        if (powerOfTwo)
            return (value & (bound - 1)) >>> 0;
        while ((value >>> 1) >= end)
            value = next();
        return (value >>> 1) % bound;
    });
}
