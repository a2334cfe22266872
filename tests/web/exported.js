// An export's files, for tests that need no browser. HYGIESYNC_WEB_EXPORT names the folder.
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

export const folder = process.env.HYGIESYNC_WEB_EXPORT;
export const runtime = pathToFileURL(`${folder}/hygiesync/`).href;

const fileOf = (directory) => async (name) => new Uint8Array(await readFile(`${folder}/${directory}/${name}`));
export const readAvatar = fileOf("avatar");

/** A module of the exported runtime. */
export const load = (name) => import(new URL(name, runtime).href);

/** What the exported network is opened from. */
export async function readNetwork(data) {
  const { readStep } = await load("data.js"), { openOnnxRuntime } = await load("speech/network.js");
  return {
    ort: await openOnnxRuntime(fileOf("hygiesync/onnxruntime-web"), new URL("onnxruntime-web/", runtime).href),
    model: await readStep(readAvatar, data.index),
  };
}

/** The exported network's step; `early` is the number of the answer that is asked for. */
export async function openStep(data, early) {
  const { Network } = await load("speech/network.js"), { Step } = await load("speech/step.js");
  return new Step(new Network(() => readNetwork(data)), { early, inputs: data.index.step.inputs });
}

/** Largest difference between rows of numbers and what they should be. */
export function worst(rows, wanted) {
  const values = rows.flatMap((row) => (typeof row === "number" ? [row] : Array.from(row)));
  if (values.length !== wanted.length) return Infinity;
  return values.reduce((most, value, at) => Math.max(most, Math.abs(value - wanted[at])), 0);
}

/** `samples` in blocks of changing lengths. */
export function* blocks(samples) {
  for (let begin = 0, length = 1; begin < samples.length; begin += length, length = (length * 7 + 3) % 1501 + 1) {
    yield samples.subarray(begin, begin + length);
  }
}
