// One measurement of llama.cpp in a fresh process: MODEL PREFILL DECODE THREADS SEED. Prints one line of JSON.
import {evaluate, openModel, startLlama} from "./llama.mjs";
import {randomTokens} from "./mixtral.mjs";

const [modelPath, ...numbers] = process.argv.slice(2);
const [prefill, decode, threads, seed] = numbers.map(Number);
const llama = await startLlama(threads);
const {sequence, vocabSize} = await openModel(llama, modelPath, {threads, tokens: prefill + decode, batch: prefill});

async function measure(prompt, generated) {
    await sequence.clearHistory();
    const tokens = randomTokens(seed, prompt + generated, vocabSize);
    const start = performance.now();
    await evaluate(sequence, tokens.slice(0, prompt));
    const prefilled = performance.now();
    for (let i = prompt; i < tokens.length; i++)
        await evaluate(sequence, [tokens[i]]);
    return {
        prefill_tokens_per_second: 1000 * prompt / (prefilled - start),
        decode_tokens_per_second: 1000 * generated / (performance.now() - prefilled)
    };
}

// Brings the weights into memory and starts the threads.
await measure(Math.min(prefill, 128), Math.min(decode, 16));
const result = await measure(prefill, decode);
console.log(JSON.stringify({
    ...result,
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    system_info: llama.systemInfo,
    threads
}));
process.exit(0);
