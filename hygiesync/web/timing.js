// The mel clock: frame k is made of the samples [160 k, 160 k + 400) at 16 kHz and known when the last of them is in.
import { Fraction } from "./fraction.js";

/** Samples a second that the network listens to, Hz. */
export const SAMPLE_RATE = 16000;

/** Samples between two mel frames, and samples that one is made of. */
export const HOP_LENGTH = 160, WIN_LENGTH = 400;

/** Mel frames a second, Hz. */
export const MEL_RATE = SAMPLE_RATE / HOP_LENGTH;

/** Time of sample `index`, seconds. */
export const sampleTime = (index) => new Fraction(index, SAMPLE_RATE);

/** The sample nearest to a time in seconds. */
export const nearestSample = (seconds) => Math.round(seconds * SAMPLE_RATE);

/** Time of picture `index` at `fps` pictures a second. */
export const pictureTime = (index, fps) => new Fraction(index * fps.denominator, fps.numerator);

/** Time that the network's answer at mel frame `index` describes, when it hears `lookahead` frames ahead. */
export const describedTime = (index, lookahead) =>
  new Fraction((index - lookahead) * HOP_LENGTH + WIN_LENGTH, SAMPLE_RATE);

/** Fractional mel frame whose answer describes `time`; the inverse of `describedTime`. */
export const melPosition = (time, lookahead) => time.minus(describedTime(0, lookahead)).times(MEL_RATE);
