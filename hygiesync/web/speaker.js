// What is heard and what mouth that wants: the speech stream, asked in order, and how a mouth goes to rest when it is
// interrupted. It knows no clock and no picture.
import { Resampler } from "./speech/resampler.js";
import { ZERO } from "./fraction.js";
import { SAMPLE_RATE, sampleTime } from "./timing.js";

/** After an interruption the mouth goes to what is wanted of it within this time, seconds. */
const RELEASE_S = 0.1;

const smoothstep = (share) => {
  const s = Math.min(Math.max(share, 0), 1);
  return s * s * (3 - 2 * s);
};

function checked(samples) {
  if (!(samples instanceof Float32Array)) throw new TypeError("samples: expected a Float32Array of numbers from -1 to 1");
  if (!samples.every(Number.isFinite)) throw new TypeError("samples: expected finite numbers, got NaN or infinity");
  return samples;
}

export class Speaker {
  /** @param {import("./speech/stream.js").SpeechStream} stream used by nobody else */
  constructor(stream) {
    this.stream = stream;
    this.work = Promise.resolve();
    this.mouth = stream.rest;
    this.#forget();
    this.releasedAt = -Infinity;
  }

  #forget() {
    this.stream.reset();
    this.nSamples = 0;
    this.end = null;
    this.resampler = null;
    this.round = {};
  }

  /** Latest time of the sound whose mouth is known, seconds; negative while none is. */
  get knownUntil() { return this.stream.knownUntil; }

  /** Whether something is heard, or was heard and has not been interrupted. */
  get isHearing() { return this.nSamples > 0; }

  /**
   * Hear some samples; resolves when their answers are known.
   * @param {Float32Array} samples
   * @param {number} sampleRate Hz; the same until the next `finish` or `interrupt`
   */
  push(samples, sampleRate = SAMPLE_RATE) {
    checked(samples);
    if (this.end) throw new Error("push: the sound was ended by flush(); call interrupt() before more is pushed");
    this.resampler ??= new Resampler(sampleRate);
    return this.#hear(this.resampler.push(samples));
  }

  /** Hear mel frames that were computed in the sound thread. */
  pushMel(frames) {
    this.nSamples += frames.length;
    return this.#inOrder((stream) => stream.pushMel(frames));
  }

  /** The sound ends here. Returns its end, seconds as a fraction. */
  finish() {
    if (this.resampler) this.#hear(this.resampler.flush());
    this.end = sampleTime(this.nSamples);
    const { end } = this;
    this.#inOrder((stream) => stream.finish(end));
    return end;
  }

  /** Forget what was heard. The mouth goes from where it is to what is wanted within a tenth of a second from `now`. */
  interrupt(now) {
    this.#forget();
    this.left = this.mouth;
    this.releasedAt = now;
  }

  /**
   * The mouth at a time of the sound, which is shown at `now`, seconds.
   * @param {import("./fraction.js").Fraction | null} time null where nothing is said
   */
  mouthAt(time, now) {
    const { rest } = this.stream;
    const wanted = time ? this.stream.at(time.compare(ZERO) < 0 ? ZERO : time) : rest;
    const share = 1 - smoothstep((now - this.releasedAt) / RELEASE_S);
    this.mouth = share > 0 ? wanted.map((value, index) => value + share * (this.left[index] - rest[index])) : wanted;
    return this.mouth;
  }

  #hear(samples) {
    this.nSamples += samples.length;
    return this.#inOrder((stream) => stream.push(samples));
  }

  /** One piece of work after another; what was forgotten meanwhile is left out. */
  #inOrder(job) {
    const { round } = this;
    this.work = this.work.then(() => (round === this.round ? job(this.stream) : undefined));
    return this.work;
  }
}
