/**
 * Where a picture lies in a model's input: exact fractions, from which boxes and class maps find their way back (docs/contract.md,
 * "The frame").
 */

import { resizedSize } from '../contract/preprocessing.js';
import { Fraction } from './fraction.js';

/** @typedef {{top: Fraction, left: Fraction, height: Fraction, width: Fraction}} Window a part of a map in its cells. */

export class Frame {
  /**
   * @param {import('../contract/preprocessing.js').Preprocessing} rule
   * @param {number} height of the picture in pixels. @param {number} width
   */
  constructor(rule, height, width) {
    const resized = resizedSize(rule, height, width);
    this.height = height;
    this.width = width;
    // Pixels of the picture a resized one.
    const down = new Fraction(height, resized.height);
    const across = new Fraction(width, resized.width);
    this.top = new Fraction(margin(resized.height, rule.height)).times(down);
    this.left = new Fraction(margin(resized.width, rule.width)).times(across);
    this.tall = new Fraction(rule.height).times(down);
    this.wide = new Fraction(rule.width).times(across);
    this.step = [across.toNumber(), down.toNumber()];
    this.offset = [this.left.toNumber(), this.top.toNumber()];
    const [top, left] = [Math.max(0, this.top.ceil()), Math.max(0, this.left.ceil())];
    /** The picture's pixels that the input shows whole; perhaps none. */
    this.seen = {
      top, left,
      height: Math.max(0, Math.min(height, this.top.plus(this.tall).floor()) - top),
      width: Math.max(0, Math.min(width, this.left.plus(this.wide).floor()) - left),
    };
  }

  /**
   * A box of the input in the picture's pixels, inside the picture.
   * @param {number[]} box left, top, right, bottom. @returns {number[]}
   */
  toPicture(box) {
    const most = [this.width, this.height];
    return box.map((value, n) => Math.min(Math.max(value * this.step[n % 2] + this.offset[n % 2], 0), most[n % 2]));
  }

  /**
   * `seen`, in cells of a map of `rows` × `columns` that covers the whole input.
   * @param {number} rows @param {number} columns @returns {Window}
   */
  window(rows, columns) {
    const row = new Fraction(rows).over(this.tall);
    const column = new Fraction(columns).over(this.wide);
    return {
      top: new Fraction(this.seen.top).minus(this.top).times(row),
      left: new Fraction(this.seen.left).minus(this.left).times(column),
      height: new Fraction(this.seen.height).times(row),
      width: new Fraction(this.seen.width).times(column),
    };
  }
}

/** What the input leaves out on one side, in resized pixels; below 0 what it adds. @param {number} resized @param {number} input */
function margin(resized, input) {
  return resized >= input ? Math.floor((resized - input) / 2) : -Math.floor((input - resized) / 2);
}
