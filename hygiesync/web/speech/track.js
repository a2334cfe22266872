// Answers on the mel clock, asked for at any time by linear interpolation, and forgotten once time has passed them.
import { describedTime, melPosition } from "../timing.js";

export class CoefficientTrack {
  /**
   * @param {Float64Array} rest before the first answer there is nothing but rest
   * @param {number} lookahead mel frames between the moment that an answer describes and the frame it was given at
   */
  constructor(rest, lookahead) {
    this.answers = [rest];
    this.lookahead = lookahead;
    this.first = -1;
  }

  /** Latest time that was answered; negative while nothing is. */
  get knownUntil() { return describedTime(this.first + this.answers.length - 1, this.lookahead); }

  append(coefficients) { this.answers.push(coefficients); }

  /** Coefficients at `time`, which must be known. */
  at(time) {
    const position = melPosition(time, this.lookahead);
    const before = Math.max(position.floor, -1);
    const nPassed = Math.min(before - this.first, this.answers.length - 1);
    if (nPassed > 0) {
      this.answers.splice(0, nPassed);
      this.first += nPassed;
    }
    const share = Number(position) - before;
    const [left, right] = this.answers;
    if (share <= 0 || !right) return left;
    // in this order, a mouth at rest on both sides is exactly at rest
    return left.map((value, index) => value + share * (right[index] - value));
  }
}
