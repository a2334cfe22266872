// The path through the atlas: which picture follows which. Viterbi's search as the frames come, of which a choice comes
// out as soon as the best paths to all newest candidates agree on it (hygiesync/rendering/path.py).

/** Canonical units that a jump costs, and how far pictures of one take may be apart without one. */
const JUMP_COST = 0.006, NEIGHBOURHOOD = 2;

/** Best paths whose next pictures are worth offering. */
const N_PATHS = 8;

const indexOfLeast = (values) => values.reduce((best, value, index) => (value < values[best] ? index : best), 0);

export class PathSearch {
  /**
   * @param {ArrayLike<number>} frameNumbers of the atlas's pictures in the training video
   * @param {number} lag frames that a choice may wait for
   */
  constructor(frameNumbers, lag) {
    this.frameNumbers = frameNumbers;
    this.lag = lag;
    this.reset();
  }

  reset() {
    this.steps = [];
    this.best = [];
    this.lastChosen = null;
  }

  /** Pictures beside those where the best paths are, which may go on without a jump. */
  likelyFollowers() {
    let ends = [];
    if (this.steps.length) {
      const order = this.best.map((_, place) => place).sort((a, b) => this.best[a] - this.best[b] || a - b);
      ends = order.slice(0, N_PATHS).filter((place) => Number.isFinite(this.best[place]))
        .map((place) => this.steps.at(-1).candidates[place]);
    } else if (this.lastChosen !== null) ends = [this.lastChosen];
    const around = [];
    for (const end of ends) for (let off = -NEIGHBOURHOOD; off <= NEIGHBOURHOOD; off++) around.push(end + off);
    return around.filter((index) => index >= 0 && index < this.frameNumbers.length);
  }

  /** Go one frame on; returns the pictures that became certain, oldest first. */
  push(candidates, costs) {
    let cameFrom = candidates.map(() => 0);
    if (this.steps.length) {
      const before = this.steps.at(-1).candidates;
      const totals = [];
      cameFrom = candidates.map((candidate) => {
        let least = Infinity, from = 0;
        for (let place = 0; place < before.length; place++) {
          const total = this.best[place] + this.#jump(before[place], candidate);
          if (total < least) [least, from] = [total, place];
        }
        totals.push(least);
        return from;
      });
      this.best = totals.map((total, place) => total + costs[place]);
    } else {
      this.best = costs.map((cost, place) => cost + (this.lastChosen === null ? 0 : this.#jump(this.lastChosen, candidates[place])));
    }
    // only differences count; sums over hours would lose them
    const least = Math.min(...this.best);
    this.best = this.best.map((value) => value - least);
    this.steps.push({ candidates, cameFrom });
    const decided = this.#agreed();
    if (this.steps.length > this.lag) decided.push(...this.#take(this.steps.length - this.lag, indexOfLeast(this.best), 0));
    return decided;
  }

  /** The rest of the path: no more frames will come. */
  flush() { return this.steps.length ? this.#take(this.steps.length, indexOfLeast(this.best), 0) : []; }

  #jump(before, after) {
    return Math.abs(this.frameNumbers[before] - this.frameNumbers[after]) <= NEIGHBOURHOOD ? 0 : JUMP_COST;
  }

  /** Take what the best paths to all of the newest candidates share. */
  #agreed() {
    let places = new Set(this.steps.at(-1).candidates.keys());
    for (let age = 0; age < this.steps.length; age++) {
      if (places.size === 1) return this.#take(this.steps.length - age, [...places][0], age);
      const { cameFrom } = this.steps.at(-1 - age);
      places = new Set([...places].map((place) => cameFrom[place]));
    }
    return [];
  }

  /** Decide the oldest `nFrames`, on the path through `place` of the step that is `age` frames old. */
  #take(nFrames, place, age) {
    const chosen = [];
    let lastPlace = place;
    for (let index = this.steps.length - 1 - age; index >= 0; index--) {
      const { candidates, cameFrom } = this.steps[index];
      if (index === nFrames - 1) lastPlace = place;
      if (index < nFrames) chosen.push(candidates[place]);
      place = cameFrom[place];
    }
    this.steps.splice(0, nFrames);
    [this.lastChosen] = chosen;
    this.#dropOtherPaths(lastPlace);
    return chosen.reverse();
  }

  /** Give up paths that did not come through `place` of the step before the oldest one. */
  #dropOtherPaths(place) {
    let isAlive = null;
    for (const { cameFrom } of this.steps) {
      const before = isAlive;
      isAlive = cameFrom.map((from) => (before ? before[from] : from === place));
    }
    if (isAlive) this.best = this.best.map((value, at) => (isAlive[at] ? value : Infinity));
  }
}
