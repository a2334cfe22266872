// The trained network in onnxruntime-web: opened when it is first asked for, and shared by all that ask it.
import { unpack } from "../packs.js";

export class Network {
  #read;
  #opening = null;

  /** @param {() => Promise<{ ort: object, model: Uint8Array }>} read gives onnxruntime-web, ready to run, and one exported step */
  constructor(read) { this.#read = read; }

  /** @returns {Promise<{ ort: object, session: object }>} always the same; anew only where the last attempt failed */
  open() {
    if (!this.#opening) {
      this.#opening = this.#start();
      this.#opening.catch(() => { this.#opening = null; });
    }
    return this.#opening;
  }

  async #start() {
    const { ort, model } = await this.#read();
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ["wasm"], intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: "all",
    });
    return { ort, session };
  }

  async close() {
    const opening = this.#opening;
    this.#opening = null;
    if (opening) await opening.then(({ session }) => session.release(), () => {});
  }
}

/**
 * onnxruntime-web, ready to run on one thread, from the files beside this module.
 * @param {(name: string) => Promise<Uint8Array>} read gives a file of the folder `onnxruntime-web/`
 * @param {string} folder its address
 */
export async function openOnnxRuntime(read, folder) {
  const loader = new URL("runtime.js", import.meta.url).href;
  const [ort, { use }, packed] = await Promise.all([
    import(new URL("ort.wasm.min.js", folder).href), import(loader), read("ort-wasm-simd-threaded.pack"),
  ]);
  // compiled while it is unpacked
  const unpacked = new Response(unpack(packed), { headers: { "Content-Type": "application/wasm" } });
  use(await WebAssembly.compileStreaming(unpacked));
  Object.assign(ort.env.wasm, { numThreads: 1, wasmPaths: { mjs: loader } });
  return ort;
}
