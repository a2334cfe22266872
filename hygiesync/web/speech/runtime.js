// What onnxruntime-web asks for in place of its own loader: the same, started with WebAssembly that was compiled before.
// onnxruntime would otherwise keep the 14 MB that it was compiled from.
import start from "../onnxruntime-web/ort-wasm-simd-threaded.js";

let compiled = null;

/** @param {WebAssembly.Module} module that onnxruntime-web will run */
export function use(module) { compiled = module; }

export default (settings) => start({
  ...settings,
  instantiateWasm(imports, done) {
    const module = compiled;
    compiled = null;
    WebAssembly.instantiate(module, imports).then((instance) => done(instance, module));
    return {};
  },
});
