// llama.cpp on a GGUF file, on the CPU, through the prebuilt library of node-llama-cpp.
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

/** Starts llama.cpp. It warns that random models have odd tokenizers, which is true and harmless: errors only. */
export const startLlama = (threads) =>
    getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error, maxThreads: threads});

/**
 * Opens a model for one sequence of at most `tokens` tokens, of which up to `batch` are computed at once.
 *
 * @param adapters LoRA adapters, `{filePath, scale}` each
 */
export async function openModel(llama, modelPath, {threads, tokens, batch, adapters = []}) {
    const model = await llama.loadModel({modelPath});
    const context = await model.createContext({
        // llama.cpp rounds small contexts up, and keeps some room for itself.
        contextSize: Math.max(256, tokens + 16),
        batchSize: Math.max(batch, 2),
        ...(adapters.length ? {lora: {adapters}} : {}),
        threads: {ideal: threads, min: threads}
    });
    return {model, sequence: context.getSequence(), vocabSize: model.fileInfo.metadata.tokenizer.ggml.tokens.length};
}

/**
 * Computes tokens after those that the sequence holds, and the next one greedily.
 *
 * Asking for the next token is what makes llama.cpp compute the output matrix; without that it also leaves out the
 * last layer's experts, and a slice of four layers would look a third faster than it is.
 *
 * @param generateNext what else to return, such as {probabilities: true}
 */
export async function evaluate(sequence, tokens, generateNext = {}) {
    const last = [tokens.at(-1), {generateNext: {token: true, ...generateNext, options: {temperature: 0}}}];
    return (await sequence.controlledEvaluate([...tokens.slice(0, -1), last])).at(-1).next;
}
