// The trained network in use: a mel frame in, coefficients out, on the caller's thread.
import { N_MELS } from "./mel.js";

export class Step {
  /**
   * @param {import("./network.js").Network} network
   * @param {{ early?: number, inputs: { name: string, shape: number[] }[] }} description of the step; `early` is the
   *   number of the early answer to ask for, the main one when left out
   */
  constructor(network, { early, inputs }) {
    this.network = network;
    this.answer = early === undefined ? "coefficients" : `early_${early}`;
    this.states = inputs.filter(({ name }) => name !== "mel");
    this.outputs = [this.answer, ...this.states.map(({ name }) => `next_${name}`)];
    this.reset();
  }

  /** Forget everything heard. */
  reset() {
    this.heard = null; // state by name; null before the first frame
    this.round = {};
  }

  /** Coefficients (n_components,), in standard deviations, of a mel frame (80,). */
  async push(mel) {
    const { round } = this, { ort, session } = await this.network.open();
    const before = (round === this.round && this.heard) || this.#nothing(ort);
    const out = await session.run({ ...before, mel: new ort.Tensor("float32", mel, [1, 1, N_MELS]) }, this.outputs);
    // a reset while the network was at work must not be undone
    if (round === this.round) this.heard = Object.fromEntries(this.states.map(({ name }) => [name, out[`next_${name}`]]));
    return out[this.answer].data;
  }

  #nothing(ort) {
    const zeros = (shape) => new Float32Array(shape.reduce((product, size) => product * size, 1));
    return Object.fromEntries(this.states.map(({ name, shape }) => [name, new ort.Tensor("float32", zeros(shape), shape)]));
  }
}
