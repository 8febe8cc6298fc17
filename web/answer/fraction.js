/** Exact fractions, reduced, the denominator over 0. */

const EXACT = 2n ** 53n;

/** @param {bigint} a @param {bigint} b @returns {bigint} at least 0. */
export function gcd(a, b) {
  while (b) [a, b] = [b, a % b];
  return a < 0n ? -a : a;
}

export class Fraction {
  /** @param {bigint | number} numerator whole. @param {bigint | number} [denominator] whole, not 0. */
  constructor(numerator, denominator = 1n) {
    const [n, d] = [BigInt(numerator), BigInt(denominator)];
    const common = d < 0n ? -gcd(n, d) : gcd(n, d);
    this.numerator = n / common;
    this.denominator = d / common;
  }

  /** @param {Fraction} other */
  plus(other) {
    return new Fraction(this.numerator * other.denominator + other.numerator * this.denominator, this.denominator * other.denominator);
  }

  /** @param {Fraction} other */
  minus(other) {
    return new Fraction(this.numerator * other.denominator - other.numerator * this.denominator, this.denominator * other.denominator);
  }

  /** @param {Fraction} other */
  times(other) {
    return new Fraction(this.numerator * other.numerator, this.denominator * other.denominator);
  }

  /** @param {Fraction} other */
  over(other) {
    return new Fraction(this.numerator * other.denominator, this.denominator * other.numerator);
  }

  floor() {
    const rest = this.numerator % this.denominator;
    return Number((this.numerator - rest) / this.denominator) - (rest < 0n ? 1 : 0);
  }

  ceil() {
    return -new Fraction(-this.numerator, this.denominator).floor() + 0; // no -0
  }

  /** The nearest float64, of a numerator and a denominator within 53 bits. */
  toNumber() {
    if (this.numerator > EXACT || this.numerator < -EXACT || this.denominator > EXACT) throw new RangeError('a fraction that is too long');
    return Number(this.numerator) / Number(this.denominator);
  }

  toString() {
    return this.denominator === 1n ? `${this.numerator}` : `${this.numerator}/${this.denominator}`;
  }
}
