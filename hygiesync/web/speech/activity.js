// Voice or silence, from the mel frames as they come: hygiesync/speech/activity.py, which says why each number is what
// it is. Levels are in bel.
import { Background, FLOOR } from "./background.js";
import { N_BANDS, bandLevels, mean } from "./bands.js";

const USUAL_BACKGROUND = -5, NOTHING = -7.6;
const MAX_ABOVE = 3, MAX_EVIDENCE = 10, LOWEST_BAND_WEIGHT = 0.3, SMOOTHED = 3;
const ENTER = 0.4, LEAVE = 0.18, SURE = 2 * ENTER;
const CONFIRM_VOICED = 2, CONFIRM = 4, HOLD = 5;
const BEYOND = 1.5, LEAST_POWER = 1e-9;
const OVERALL = [1, N_BANDS], LOW = [1, 5], HIGH = [10, 16];
const VOICED_TILT = 10 ** 0.6;
const VOICE_ABOVE = 4.3, LOUDEST_EXPECTED = -1.5;
const SOFTEST_VOICED = 2.7, SOFTEST = 2.2, SOFTEST_FIRST = 1.4, SOFTEST_LAST = 3.2;
const RATE_UP = 0.2, RATE_DOWN_FIRST = 0.05, RATE_DOWN = 0.008, FIRST_FRAMES = 40;
const UNHEARD_FALL = 0.001;
const FAMILIAR_LOW = -1, FAMILIAR_HIGH = 1.3, LOUD_FOR_A_PAUSE = 1.5, LOUD_FRAMES = 6;

/** Evidence for voice: the weighted mean over the bands of min(g - 1 - log g, 10), g a band's power over its noise's. */
function likelihoodRatio(above) {
  let sum = 0;
  for (let band = 0; band < N_BANDS; band++) {
    const g = 10 ** Math.min(Math.max(above[band], 0), MAX_ABOVE);
    sum += Math.min(g - 1 - Math.log(g), MAX_EVIDENCE) * (band ? 1 : LOWEST_BAND_WEIGHT) / N_BANDS;
  }
  return sum;
}

export class VoiceActivity {
  /** @param {number | null} background level of the training video's pauses, bel; null where there was no such video */
  constructor(background) {
    this.knowsRoom = background !== null;
    this.initialBackground = background ?? USUAL_BACKGROUND;
    this.reset();
  }

  reset() {
    this.background = new Background(this.initialBackground);
    this.evidence = [];
    this.isVoice = false;
    this.nQuiet = this.nVoiced = this.run = this.voicedRun = this.nLoud = 0;
    this.voiceLevel = Math.min(this.initialBackground + VOICE_ABOVE, LOUDEST_EXPECTED);
  }

  /** Whether a mel frame holds voice, and whether it is a pause as the training video has them. */
  listen(mel) {
    const bands = bandLevels(mel);
    return { isVoice: this.#step(bands, mel), isFamiliar: this.#isFamiliar(bands) };
  }

  #isFamiliar(bands) {
    const level = mean(this.background.level);
    const isLoud = mean(bands) > level + LOUD_FOR_A_PAUSE;
    this.nLoud = isLoud && !this.isVoice ? this.nLoud + 1 : 0;
    const difference = level - this.initialBackground;
    return this.knowsRoom && FAMILIAR_LOW < difference && difference < FAMILIAR_HIGH
      && Math.max(...bands) >= NOTHING && this.nLoud < LOUD_FRAMES;
  }

  #step(bands, mel) {
    const { background } = this;
    if (Math.max(...bands) < NOTHING) {
      background.hearNothing();
      this.#addEvidence(0);
      this.run = this.voicedRun = 0;
      return this.#hold();
    }
    bands = bands.map((level) => Math.max(level, FLOOR));
    const isLoud = this.evidence.length > 0 && this.evidence.at(-1) >= SURE;
    if (background.hear(bands, mel, this.isVoice, isLoud)) this.evidence = [];
    this.#addEvidence(likelihoodRatio(bands.map((level, band) => level - background.level[band] - background.allowance)));
    return this.#decide(this.evidence.reduce((sum, one) => sum + one, 0) / SMOOTHED, bands);
  }

  #addEvidence(value) {
    this.evidence.push(value);
    if (this.evidence.length > SMOOTHED) this.evidence.shift();
  }

  #decide(evidence, bands) {
    const { background } = this;
    const beyond = bands.map((level, band) => Math.max(10 ** level - BEYOND * 10 ** background.level[band], 0) + LEAST_POWER);
    const [overall, low, high] = [OVERALL, LOW, HIGH].map(([from, to]) => mean(beyond.subarray(from, to)));
    const level = Math.log10(overall), isVoiced = low > VOICED_TILT * high;
    const standsOut = evidence > ENTER && !background.isStarting;
    const softest = this.nVoiced ? SOFTEST : SOFTEST_FIRST;
    this.run = standsOut && level > this.voiceLevel - softest ? this.run + 1 : 0;
    this.voicedRun = standsOut && isVoiced && level > this.voiceLevel - SOFTEST_VOICED ? this.voicedRun + 1 : 0;
    const goesOn = this.isVoice
      ? evidence > LEAVE && level > this.voiceLevel - SOFTEST_LAST
      : this.voicedRun >= CONFIRM_VOICED || this.run >= CONFIRM;
    if (!goesOn) {
      if (standsOut && !this.isVoice) this.voiceLevel -= UNHEARD_FALL;
      return this.#hold();
    }
    this.isVoice = true;
    this.nQuiet = 0;
    if (isVoiced && evidence > ENTER) this.#followVoice(level);
    return true;
  }

  #followVoice(level) {
    this.nVoiced++;
    const rateDown = this.nVoiced < FIRST_FRAMES ? RATE_DOWN_FIRST : RATE_DOWN;
    this.voiceLevel += (level > this.voiceLevel ? RATE_UP : rateDown) * (level - this.voiceLevel);
  }

  /** Whether voice is held through a frame without it. */
  #hold() {
    this.nQuiet++;
    this.isVoice = this.isVoice && this.nQuiet <= HOLD;
    return this.isVoice;
  }
}
