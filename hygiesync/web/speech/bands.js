// Coarse bands of a log-mel spectrum, and whether it has harmonics: hygiesync/speech/bands.py. Levels are in bel.

/** Bands of four mel bands each. */
export const N_BANDS = 20;

const RIPPLE_WIDTH = 7, RIPPLE_FROM = 11, RIPPLE_TO = 31;

/** Level of each coarse band: the log10 of its mel bands' mean power. */
export function bandLevels(mel) {
  const width = mel.length / N_BANDS;
  return Float64Array.from({ length: N_BANDS }, (_, band) => {
    let sum = 0;
    for (let index = band * width; index < (band + 1) * width; index++) sum += 10 ** mel[index];
    return Math.log10(sum / width);
  });
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

export function standardDeviation(values) {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length);
}

/** Standard deviation of a log-mel spectrum about its trend, the mean of 7 mel bands, bel. */
export function ripple(mel) {
  const beside = RIPPLE_WIDTH >> 1, off = [];
  for (let band = RIPPLE_FROM; band < RIPPLE_TO; band++) {
    off.push(mel[band] - mean(Array.from(mel.subarray(band - beside, band + beside + 1))));
  }
  return standardDeviation(off);
}
