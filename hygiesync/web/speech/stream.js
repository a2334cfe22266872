// From sound to coefficients in time, for those who can't wait: network, voice activity and gate in one part
// (hygiesync/speech_to_shape/stream.py).
import { HOP_LENGTH } from "../timing.js";
import { VoiceActivity } from "./activity.js";
import { SilenceGate } from "./gate.js";
import { MelSpectrogram } from "./mel.js";
import { CoefficientTrack } from "./track.js";

export class SpeechStream {
  /**
   * @param {import("./step.js").Step} step
   * @param {{ rest: Float64Array, background: number | null, lookahead: number, expressiveness?: number }} avatar
   */
  constructor(step, { rest, background, lookahead, expressiveness = 1 }) {
    this.step = step;
    this.rest = rest;
    this.lookahead = lookahead;
    this.expressiveness = expressiveness;
    this.spectrogram = new MelSpectrogram();
    this.activity = new VoiceActivity(background);
    this.reset();
  }

  /** Forget everything heard. */
  reset() {
    this.spectrogram.reset();
    this.activity.reset();
    this.step.reset();
    this.track = new CoefficientTrack(this.rest, this.lookahead);
    this.gate = new SilenceGate(this.lookahead);
  }

  /** Latest time whose coefficients are known; negative while nothing is. */
  get knownUntil() { return this.track.knownUntil; }

  /** Hear some samples at 16 kHz. One call at a time: wait for it before the next. */
  async push(samples) { await this.pushMel(this.spectrogram.push(samples)); }

  /** Hear mel frames that were computed elsewhere, as in the sound thread. */
  async pushMel(frames) {
    const { track, gate, rest } = this;
    for (const mel of frames) {
      const coefficients = await this.step.push(mel);
      // a reset while the network was at work: this answer belongs to what was forgotten
      if (this.track !== track) return;
      const scale = this.expressiveness * gate.push(this.activity.listen(mel));
      track.append(rest.map((value, index) => value + scale * (coefficients[index] - value)));
    }
  }

  /** The sound is over, and silence follows: every moment up to `end` becomes known. */
  async finish(end) {
    const silence = new Float32Array(HOP_LENGTH);
    while (this.knownUntil.compare(end) < 0) await this.push(silence);
  }

  /** Coefficients at `time`, which must be known; what lies before it is forgotten. */
  at(time) { return this.track.at(time); }
}
