// Exact times: a fraction of two whole numbers, so that nothing drifts. Numerators stay far below 2 ** 53: a day at
// 60000/1001 pictures a second is 86400 * 60000.

const greatestDivisor = (a, b) => { while (b) [a, b] = [b, a % b]; return Math.abs(a) || 1; };

export class Fraction {
  /**
   * @param {number} numerator whole
   * @param {number} denominator whole, above 0
   */
  constructor(numerator, denominator = 1) {
    if (!Number.isSafeInteger(numerator) || !Number.isSafeInteger(denominator) || denominator < 1) {
      throw new RangeError(`expected a fraction of whole numbers, got ${numerator}/${denominator}`);
    }
    const divisor = greatestDivisor(numerator, denominator);
    this.numerator = numerator / divisor;
    this.denominator = denominator / divisor;
  }

  /** Of text such as `25` or `30000/1001`. */
  static parse(text) {
    const found = /^(\d+)(?:\/(\d+))?$/.exec(String(text).trim());
    if (!found) throw new RangeError(`expected a rate such as 25 or 30000/1001, got ${text}`);
    return new Fraction(Number(found[1]), Number(found[2] ?? 1));
  }

  plus(other) {
    const divisor = greatestDivisor(this.denominator, other.denominator);
    const ours = other.denominator / divisor;
    return new Fraction(this.numerator * ours + other.numerator * (this.denominator / divisor), this.denominator * ours);
  }

  minus(other) { return this.plus(new Fraction(-other.numerator, other.denominator)); }

  times(whole) { return new Fraction(this.numerator * whole, this.denominator); }

  /** Below 0 where this is less than `other`, 0 where they are equal. */
  compare(other) { return this.minus(other).numerator; }

  get floor() { return Math.floor(this.numerator / this.denominator); }

  valueOf() { return this.numerator / this.denominator; }
}

export const ZERO = new Fraction(0);
