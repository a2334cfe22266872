// The trained network in use: a mel frame in, coefficients out, through onnxruntime-web on the caller's thread.
import { N_MELS } from "./mel.js";

export class Step {
  /**
   * @param {object} ort the module onnxruntime-web, its `env.wasm` set
   * @param {Uint8Array} model one exported step
   * @param {{ early?: number, inputs: { name: string, shape: number[] }[] }} description of the step; `early` is the
   *   number of the early answer to ask for, the main one when left out
   */
  static async open(ort, model, { early, inputs }) {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ["wasm"], intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: "all",
    });
    return new Step(ort, session, early, inputs.filter(({ name }) => name !== "mel"));
  }

  constructor(ort, session, early, states) {
    this.ort = ort;
    this.session = session;
    this.answer = early === undefined ? "coefficients" : `early_${early}`;
    this.states = states;
    this.outputs = [this.answer, ...states.map(({ name }) => `next_${name}`)];
    this.reset();
  }

  /** Forget everything heard. */
  reset() {
    const zeros = (shape) => new Float32Array(shape.reduce((product, size) => product * size, 1));
    this.feeds = Object.fromEntries(
      this.states.map(({ name, shape }) => [name, new this.ort.Tensor("float32", zeros(shape), shape)]),
    );
  }

  /** Coefficients (n_components,), in standard deviations, of a mel frame (80,). */
  async push(mel) {
    const feeds = { ...this.feeds, mel: new this.ort.Tensor("float32", mel, [1, 1, N_MELS]) };
    const before = this.feeds, out = await this.session.run(feeds, this.outputs);
    // a reset while the network was at work must not be undone
    if (this.feeds === before) this.feeds = Object.fromEntries(this.states.map(({ name }) => [name, out[`next_${name}`]]));
    return out[this.answer].data;
  }

  async close() { await this.session.release(); }
}
