// The background noise of a sound, followed band by band: hygiesync/speech/background.py, which says why each number is
// what it is. Levels are in bel.
import { N_BANDS, mean, ripple, standardDeviation } from "./bands.js";

/** Level that no background is below, bel. */
export const FLOOR = -7.4;

const SILENCE_MARGIN = 0.3, SILENCE_FRAMES = 10;
const SMOOTHING = 0.3, SOUNDING_FROM = 1, SOUNDING_TO = 14;
const STEADY_FRAMES = 40, RANGE_FRAMES = 100;
const RANGE_OF_VOICES = 0.9, RIPPLE_CHECKED_AT = [15, 20, 30, 40];
const FIRST_RIPPLE = 0.22, STEADY_RIPPLE = 0.175, RIPPLE_OF_VOICES = 1.15 * 0.175;
const USUAL_STD = 0.22, STD_FRAMES = 10;
const MAX_ABOVE = 0.6, FALL = 0.3;
const CHANGE_DOWN = -1, CHANGE_UP = 0.6, RATE_UP = 0.08, RATE_DOWN = 0.04, RATE_STD = 0.02;
const STD_OF_MEAN_DEVIATION = 1.25;
const MINIMUM_FRAMES = 20, MINIMUM_BLOCKS = 8, MINIMUM_BIAS = 0.15, RISE = 0.003;
const CHECK_EVERY = 4, MARGIN = 0.2, MIN_BANDS = 3;
const LEAST_NOISE_STD = 0.15, MOST_NOISE_STD = 0.27, LEAST_VOICES_STD = 0.3;
const STEADIEST_STD = 0.26, ALLOWED_PER_STD = 1.5, MAX_ALLOWANCE = 0.5;

const infinities = () => new Float64Array(N_BANDS).fill(Infinity);
const least = (rows) => Float64Array.from({ length: N_BANDS }, (_, band) => Math.min(...rows.map((row) => row[band])));
const range = (values) => Math.max(...values) - Math.min(...values);
const column = (rows, index) => rows.map((row) => row[index]);
const meanOfRows = (rows) => Float64Array.from({ length: rows[0].length }, (_, index) => mean(column(rows, index)));

export class Background {
  /** @param {number} level where to begin, bel */
  constructor(level) {
    this.level = new Float64Array(N_BANDS).fill(Math.max(level, FLOOR));
    this.std = USUAL_STD;
    this.isStarting = true;
    this.initial = this.level.slice();
    this.nFrames = this.nSilent = 0;
    this.smooth = new Float64Array(N_BANDS);
    // the last frames, newest last
    this.bands = [];
    this.mel = [];
    this.loudness = [];
    this.minimum = infinities();
    this.leastMinimum = this.minimum;
    this.minima = [];
  }

  /** How far a background that fluctuates more than noise may rise above its level, bel. */
  get allowance() { return Math.min(Math.max(ALLOWED_PER_STD * (this.std - STEADIEST_STD), 0), MAX_ALLOWANCE); }

  hearNothing() {
    this.nSilent++;
    if (this.nFrames === 0 && this.nSilent > SILENCE_FRAMES) {
      this.isStarting = false;
      this.level = this.level.map((level) => Math.min(level, FLOOR + SILENCE_MARGIN));
    }
  }

  /** Follow a frame, given what was heard of the one before; whether a sound was found to be background. */
  hear(bands, mel, isVoice, isLoud) {
    if (this.nFrames === 0) this.smooth = bands.slice();
    for (let band = 0; band < N_BANDS; band++) this.smooth[band] += SMOOTHING * (bands[band] - this.smooth[band]);
    let power = 0;
    for (let band = SOUNDING_FROM; band < SOUNDING_TO; band++) power += 10 ** this.smooth[band];
    this.#keep(this.bands, bands, RANGE_FRAMES);
    this.#keep(this.mel, mel, STEADY_FRAMES);
    this.#keep(this.loudness, Math.log10(power), RANGE_FRAMES);
    this.nFrames++;
    if (this.isStarting && this.#start()) return false;
    this.#fall();
    if (!isVoice && !isLoud) this.#follow(bands);
    this.#riseToMinimum();
    return this.nFrames % CHECK_EVERY === 0 && this.#recognise(isVoice);
  }

  #keep(frames, frame, length) {
    frames.push(frame);
    if (frames.length > length) frames.shift();
  }

  /** Take all heard so far for background; false once it can't be. */
  #start() {
    const n = this.nFrames;
    if (n >= RANGE_FRAMES || range(this.loudness) > RANGE_OF_VOICES) this.isStarting = false;
    else if (RIPPLE_CHECKED_AT.includes(n) && ripple(meanOfRows(this.mel)) > FIRST_RIPPLE) {
      this.isStarting = false;
      this.level = this.level.map((level, band) => Math.min(level, this.initial[band]));
    } else {
      this.level = meanOfRows(this.bands);
      if (n >= STD_FRAMES) this.std = mean(this.#deviations(this.bands).slice(1));
    }
    return this.isStarting;
  }

  #deviations(rows) { return Array.from({ length: N_BANDS }, (_, band) => standardDeviation(column(rows, band))); }

  #fall() {
    const spared = MAX_ABOVE + 2 * this.allowance;
    this.level = this.level.map((level, band) => level - FALL * Math.max(level - this.smooth[band] - spared, 0));
  }

  #follow(bands) {
    let deviation = 0;
    this.level = this.level.map((level, band) => {
      const change = Math.min(Math.max(bands[band] - level, CHANGE_DOWN), CHANGE_UP);
      deviation += Math.abs(change);
      return level + (change > 0 ? RATE_UP : RATE_DOWN) * change;
    });
    this.std += RATE_STD * (STD_OF_MEAN_DEVIATION * deviation / N_BANDS - this.std);
  }

  #riseToMinimum() {
    this.minimum = least([this.minimum, this.smooth]);
    if (this.nFrames % MINIMUM_FRAMES === 0) {
      this.#keep(this.minima, this.minimum, MINIMUM_BLOCKS);
      this.minimum = infinities();
      this.leastMinimum = least(this.minima);
    }
    if (this.minima.length < MINIMUM_BLOCKS) return;
    const lowest = least([this.leastMinimum, this.minimum]);
    this.level = this.level.map((level, band) => Math.max(level, Math.min(level + RISE, lowest[band] + MINIMUM_BIAS)));
  }

  /** Whether the last moments are noise or many voices, which are background from then on. */
  #recognise(isVoice) {
    if (this.nFrames < STEADY_FRAMES) return false;
    const recent = this.bands.slice(-STEADY_FRAMES);
    const level = meanOfRows(recent), deviations = this.#deviations(recent);
    const above = deviations.filter((_, band) => band > 0 && level[band] > this.level[band] + MARGIN);
    const overall = mean(deviations.slice(1));
    const isLikeNoise = (std) => LEAST_NOISE_STD < std && std < MOST_NOISE_STD;
    let mostRipple, found;
    if (above.length >= MIN_BANDS && isLikeNoise(overall) && isLikeNoise(mean(above))) {
      [mostRipple, found] = [STEADY_RIPPLE, level];
    } else if (isVoice && overall > LEAST_VOICES_STD && this.#isNeverSoft()) {
      [mostRipple, found] = [RIPPLE_OF_VOICES, meanOfRows(this.bands)];
    } else return false;
    if (ripple(meanOfRows(this.mel)) > mostRipple) return false;
    this.level = found;
    this.std = overall;
    return true;
  }

  #isNeverSoft() { return this.nFrames >= RANGE_FRAMES && range(this.loudness) < RANGE_OF_VOICES; }
}
