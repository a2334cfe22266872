// Between the resting mouth and the network's answer: open where somebody speaks (hygiesync/speech_to_shape/gate.py).

/** Mel frames in which the gate opens and closes all the way. */
const OPENING_FRAMES = 4, CLOSING_FRAMES = 4;

export class SilenceGate {
  /** @param {number} lookahead mel frames that are heard beyond the moment that the gate is for */
  constructor(lookahead) {
    this.lookahead = lookahead;
    this.openness = 0;
    this.framesSinceVoice = lookahead + 1;
  }

  /** Openness, 0 to 1, `lookahead` frames before a frame with voice or without, in a familiar room or not. */
  push({ isVoice, isFamiliar }) {
    this.framesSinceVoice = isVoice ? 0 : this.framesSinceVoice + 1;
    if (isFamiliar || this.framesSinceVoice <= this.lookahead) this.openness = Math.min(1, this.openness + 1 / OPENING_FRAMES);
    else this.openness = Math.max(0, this.openness - 1 / CLOSING_FRAMES);
    return this.openness;
  }
}
