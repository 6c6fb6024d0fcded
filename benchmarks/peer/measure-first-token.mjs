// llama.cpp's first token in a fresh process: MODEL THREADS IDS. Prints the token as soon as it is there, then one line
// of JSON: seconds since the start of the process at which each step was done.
const {evaluate, openModel, startLlama} = await import("./llama.mjs");
const seconds = () => performance.now() / 1000;
const node = seconds();

const [modelPath, threads, list] = process.argv.slice(2);
const ids = list.split(",").map(Number);
const llama = await startLlama(Number(threads));
const library = seconds();
const {model, sequence} = await openModel(llama, modelPath, {
    threads: Number(threads), tokens: ids.length + 1, batch: ids.length + 1
});
const opened = seconds();
const {token} = await evaluate(sequence, [model.tokens.bos, ...ids]);
console.log(token);
console.log(JSON.stringify({
    node_seconds: node, library_seconds: library, model_seconds: opened, token_seconds: seconds()
}));
process.exit(0);
