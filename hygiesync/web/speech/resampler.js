// From the rate of a device or a file to 16 kHz, block by block, with the filter that hygiesync reads files with:
// FFmpeg's windowed sinc (libswresample/resample.c) of 64 zero crossings, cut off at 0.97 of the lower rate.
import { SAMPLE_RATE } from "../timing.js";

const FILTER_SIZE = 64, CUTOFF = 0.97, KAISER_BETA = 9;

const greatestDivisor = (a, b) => (b ? greatestDivisor(b, a % b) : a);

/** Modified Bessel function of the first kind, order 0, by its power series. */
function bessel(x) {
  let sum = 1, term = 1;
  for (let k = 1; term > 1e-14 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** Taps of each phase: a sinc under Kaiser's window, with a sum of 1. */
function taps(phase, nPhases, length, factor) {
  const centre = (length - 1) >> 1;
  const values = Float64Array.from({ length }, (_, index) => {
    const x = Math.PI * (index - centre - phase / nPhases) * factor;
    const w = 2 * x / (factor * length * Math.PI);
    return (x === 0 ? 1 : Math.sin(x) / x) * bessel(KAISER_BETA * Math.sqrt(Math.max(1 - w * w, 0)));
  });
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

export class Resampler {
  /** @param {number} fromRate samples a second that come, Hz; 16000 passes unchanged */
  constructor(fromRate) {
    if (!Number.isInteger(fromRate) || fromRate < 4000 || fromRate > 384000) {
      throw new RangeError(`expected a sample rate of 4000 to 384000 Hz, got ${fromRate}`);
    }
    const divisor = greatestDivisor(fromRate, SAMPLE_RATE);
    this.nPhases = SAMPLE_RATE / divisor;
    this.step = fromRate / divisor;
    const factor = Math.min(SAMPLE_RATE * CUTOFF / fromRate, 1);
    this.length = Math.ceil(FILTER_SIZE / factor);
    this.phases = this.step === this.nPhases ? null
      : Array.from({ length: this.nPhases }, (_, phase) => taps(phase, this.nPhases, this.length, factor));
    this.reset();
  }

  reset() {
    // before its first sample there is silence, as long as half the filter
    this.pending = new Float32Array((this.length - 1) >> 1);
    this.phase = 0;
  }

  /**
   * @param {Float32Array} samples at the rate that comes
   * @returns {Float32Array} what is complete at 16 kHz: sample n is the moment n / 16000; some 2 ms are held back
   */
  push(samples) {
    if (!this.phases) return samples;
    const heard = new Float32Array(this.pending.length + samples.length);
    heard.set(this.pending);
    heard.set(samples, this.pending.length);
    const out = new Float32Array(Math.max(0, Math.ceil((heard.length - this.length + 1) * this.nPhases / this.step) + 1));
    let n = 0, start = 0, { phase } = this;
    while (start + this.length <= heard.length) {
      const weights = this.phases[phase];
      let sum = 0;
      for (let tap = 0; tap < this.length; tap++) sum += weights[tap] * heard[start + tap];
      out[n++] = sum;
      phase += this.step;
      start += Math.floor(phase / this.nPhases);
      phase %= this.nPhases;
    }
    this.pending = heard.slice(Math.min(start, heard.length));
    this.phase = phase;
    return out.subarray(0, n);
  }

  /** What is left once no more comes: silence follows. */
  flush() { return this.phases ? this.push(new Float32Array(this.length >> 1)) : new Float32Array(0); }
}
