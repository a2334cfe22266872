// Which real mouth each picture gets: what it should look like, the nearest pictures, and the path through them
// (hygiesync/rendering: features.py, appearance.py, retrieval.py, mouth_choice.py).
import { PathSearch } from "./path.js";

const OPENING_WEIGHT = 0.5, TURN_WEIGHT = 0.002;

/** Nearest pictures that compete for each frame, and components of a look that the search goes by. */
const N_CANDIDATES = 24, N_LOOK_COMPONENTS = 48;

export class MouthChoice {
  /**
   * @param {import("./shape.js").Shape} shape
   * @param {object} atlas `features`, `codes` and `frame_numbers`: the arrays of `atlas.pack`
   * @param {object} look `centres` and `weights`: the arrays of `look.pack`
   * @param {{ appearanceScale: number, kernelWidth: number }} scales
   * @param {number} lag frames that a choice may wait for those after it; 0 live
   */
  constructor(shape, atlas, look, { appearanceScale, kernelWidth }, lag) {
    this.shape = shape;
    this.features = atlas.features.data;
    this.codes = atlas.codes.data;
    [this.nPictures, this.nFeatures] = atlas.features.shape;
    this.nCodes = atlas.codes.shape[1];
    this.nLook = Math.min(N_LOOK_COMPONENTS, this.nCodes);
    this.centres = look.centres.data;
    this.weights = look.weights.data;
    this.nCentres = look.centres.shape[0];
    this.scale = appearanceScale;
    this.kernel = -0.5 / kernelWidth ** 2;
    this.distances = new Float32Array(this.nPictures);
    this.path = new PathSearch(atlas.frame_numbers.data, lag);
  }

  /**
   * Take in the next mouth that is wanted.
   * @returns {{ appearance: Float32Array, decided: number[] }} the code of the look that it is expected to have, and
   *   the pictures for the oldest frames that had none yet
   */
  push(coefficients, turn) {
    const features = this.#featuresOf(coefficients, turn);
    const appearance = this.#expected(features);
    this.#measure(features, appearance);
    const candidates = this.#candidates(this.path.likelyFollowers());
    return { appearance, decided: this.path.push(candidates, candidates.map((index) => Math.sqrt(this.distances[index]))) };
  }

  flush() { return this.path.flush(); }

  reset() { this.path.reset(); }

  #featuresOf(coefficients, turn) {
    const { shape } = this;
    const moved = Array.from(coefficients, (value, row) => value * shape.reach[row]);
    const opening = OPENING_WEIGHT * shape.opening(shape.lowerFace(coefficients));
    return Float32Array.from([...moved, opening, TURN_WEIGHT * turn[0], TURN_WEIGHT * turn[1]]);
  }

  /** Kernel regression: the code (n_codes,) that a mouth with these features is expected to have. */
  #expected(features) {
    const { centres, weights, nFeatures, nCodes } = this;
    const code = new Float32Array(nCodes);
    for (let centre = 0; centre < this.nCentres; centre++) {
      let square = 0;
      for (let index = 0, at = centre * nFeatures; index < nFeatures; index++, at++) square += (features[index] - centres[at]) ** 2;
      const likeness = Math.exp(this.kernel * square), start = centre * nCodes;
      if (likeness > 1e-12) for (let index = 0; index < nCodes; index++) code[index] += likeness * weights[start + index];
    }
    return code;
  }

  /** Squared distance of each picture from what is wanted. */
  #measure(features, appearance) {
    const { nFeatures, nLook, nCodes, codes, distances } = this, square = this.scale ** 2;
    for (let picture = 0; picture < this.nPictures; picture++) {
      let ofShape = 0, ofLook = 0;
      for (let index = 0, at = picture * nFeatures; index < nFeatures; index++, at++) {
        const difference = features[index] - this.features[at];
        ofShape += difference * difference;
      }
      for (let index = 0, at = picture * nCodes; index < nLook; index++, at++) {
        const difference = appearance[index] - codes[at];
        ofLook += difference * difference;
      }
      distances[picture] = ofShape + square * ofLook;
    }
  }

  /** The nearest pictures and `others`, in order of their numbers. */
  #candidates(others) {
    const { distances } = this, nearest = [];
    for (let picture = 0; picture < this.nPictures; picture++) {
      if (nearest.length === N_CANDIDATES && distances[picture] >= distances[nearest.at(-1)]) continue;
      let place = nearest.length;
      while (place > 0 && distances[nearest[place - 1]] > distances[picture]) place--;
      nearest.splice(place, 0, picture);
      if (nearest.length > N_CANDIDATES) nearest.pop();
    }
    return [...new Set([...nearest, ...others])].sort((a, b) => a - b);
  }
}
