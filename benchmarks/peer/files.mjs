// The files that are measured: given ones, or slices of a real geometry with random weights, made for the purpose.
import {existsSync, mkdirSync, rmSync} from "node:fs";
import {join, resolve} from "node:path";
import {fail, mixtral, root} from "./mixtral.mjs";

/** Where slices are made unless somebody says otherwise. */
export const defaultFolder = process.env.MIXTRAL4J_BENCH_FOLDER || join(root, "benchmarks", "target", "peer");

/** Name and file of every slice that the options ask for, and whether it goes afterwards. */
function slices({preset, layers, types, folder, keep}) {
    return types.map((type) => ({
        name: `${preset} × ${layers}, ${type}`,
        path: join(resolve(folder), `${preset}-${layers}.${type}.gguf`),
        make: ["synth", "--preset", preset, "--layers", layers, "--type", type],
        keep
    }));
}

/** The files to measure. None of those that have to be made exists yet. */
export function files(settings) {
    if (settings.models.length === 0)
        return slices(settings);
    for (const model of settings.models)
        if (!existsSync(model))
            fail(`${model}: there is no such file`);
    return settings.models.map((model) => ({name: model.split("/").at(-1), path: resolve(model), keep: true}));
}

/** Makes a file if it is not there, has it measured, and removes it, unless it is to be kept or was there before. */
export async function withFile({path, make, keep}, measure) {
    const before = existsSync(path);
    const remove = () => rmSync(path, {force: true});
    if (!before) {
        mkdirSync(join(path, ".."), {recursive: true});
        console.error(`peer: writing ${path}`);
        mixtral(...make, path);
    }
    if (before || keep)
        return measure(path);
    process.on("exit", remove); // also when a measurement fails
    try {
        return await measure(path);
    } finally {
        remove();
        process.off("exit", remove);
    }
}
