// Causal log-mel spectra, computed as the samples come: those of hygiesync/speech/mel.py, with Slaney's scale.
import { HOP_LENGTH, SAMPLE_RATE, WIN_LENGTH } from "../timing.js";

/** Mel bands from 0 Hz to half the sample rate. */
export const N_MELS = 80;

/** Transform length: the window of 400 samples with zeros behind it. */
const N_FFT = 512;

/** Power below which nothing is told apart. */
const POWER_FLOOR = 1e-8;

// Slaney's scale (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above.
const hzToMel = (hz) => (hz < 1000 ? hz * 3 / 200 : 15 + Math.log(hz / 1000) * 27 / Math.log(6.4));
const melToHz = (mel) => (mel < 15 ? mel * 200 / 3 : 1000 * Math.exp((mel - 15) * Math.log(6.4) / 27));

/** Triangular, area-normalised filters: of each band the first bin and the weights from there on. */
function melFilters() {
  const top = hzToMel(SAMPLE_RATE / 2);
  const edges = Array.from({ length: N_MELS + 2 }, (_, index) => melToHz(top * index / (N_MELS + 1)));
  return Array.from({ length: N_MELS }, (_, band) => {
    const [lower, centre, upper] = edges.slice(band, band + 3);
    const weights = Float32Array.from({ length: N_FFT / 2 + 1 }, (_, bin) => {
      const hz = bin * SAMPLE_RATE / N_FFT;
      return Math.max(0, Math.min((hz - lower) / (centre - lower), (upper - hz) / (upper - centre))) * 2 / (upper - lower);
    });
    const first = Math.max(0, weights.findIndex((weight) => weight > 0));
    const last = weights.findLastIndex((weight) => weight > 0);
    return { first, weights: weights.slice(first, last + 1) };
  });
}

/** Power spectra of windows of samples, by a Fourier transform of radix 2 (Cooley & Tukey, 1965). */
class PowerSpectrum {
  constructor() {
    const bits = Math.log2(N_FFT);
    this.order = Uint16Array.from({ length: N_FFT }, (_, index) => {
      let reversed = 0;
      for (let bit = 0; bit < bits; bit++) reversed |= ((index >> bit) & 1) << (bits - 1 - bit);
      return reversed;
    });
    const angle = (index) => -2 * Math.PI * index / N_FFT;
    this.cosines = Float64Array.from({ length: N_FFT / 2 }, (_, index) => Math.cos(angle(index)));
    this.sines = Float64Array.from({ length: N_FFT / 2 }, (_, index) => Math.sin(angle(index)));
    this.real = new Float64Array(N_FFT);
    this.imaginary = new Float64Array(N_FFT);
    this.power = new Float64Array(N_FFT / 2 + 1);
  }

  /** Power (257,) of a windowed frame (400,); the array is the object's own. */
  of(frame) {
    const { real, imaginary, power } = this;
    for (let index = 0; index < N_FFT; index++) {
      const from = this.order[index];
      real[index] = from < frame.length ? frame[from] : 0;
      imaginary[index] = 0;
    }
    for (let half = 1; half < N_FFT; half *= 2) this.#merge(half);
    for (let bin = 0; bin < power.length; bin++) power[bin] = real[bin] ** 2 + imaginary[bin] ** 2;
    return power;
  }

  #merge(half) {
    const { real, imaginary, cosines, sines } = this, stride = N_FFT / (2 * half);
    for (let start = 0; start < N_FFT; start += 2 * half) {
      for (let place = 0; place < half; place++) {
        const a = start + place, b = a + half, c = cosines[place * stride], s = sines[place * stride];
        const re = c * real[b] - s * imaginary[b], im = c * imaginary[b] + s * real[b];
        real[b] = real[a] - re;
        imaginary[b] = imaginary[a] - im;
        real[a] += re;
        imaginary[a] += im;
      }
    }
  }
}

/** Streaming log-mel: push blocks of any size, get the frames that became complete. */
export class MelSpectrogram {
  constructor() {
    this.filters = melFilters();
    this.window = Float32Array.from({ length: WIN_LENGTH }, (_, n) => 0.5 - 0.5 * Math.cos(2 * Math.PI * n / WIN_LENGTH));
    this.spectrum = new PowerSpectrum();
    this.frame = new Float32Array(WIN_LENGTH);
    this.reset();
  }

  reset() { this.pending = new Float32Array(0); }

  /**
   * @param {Float32Array} samples at 16 kHz
   * @returns {Float32Array[]} log10 of power, 80 bands each
   */
  push(samples) {
    const heard = new Float32Array(this.pending.length + samples.length);
    heard.set(this.pending);
    heard.set(samples, this.pending.length);
    const frames = [];
    let start = 0;
    for (; start + WIN_LENGTH <= heard.length; start += HOP_LENGTH) frames.push(this.#logMel(heard, start));
    this.pending = heard.slice(start);
    return frames;
  }

  #logMel(samples, start) {
    for (let n = 0; n < WIN_LENGTH; n++) this.frame[n] = samples[start + n] * this.window[n];
    const power = this.spectrum.of(this.frame);
    return Float32Array.from(this.filters, ({ first, weights }) => {
      let sum = 0;
      for (let bin = 0; bin < weights.length; bin++) sum += weights[bin] * power[first + bin];
      return Math.log10(Math.max(sum, POWER_FLOOR));
    });
  }
}
