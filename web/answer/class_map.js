/**
 * From a segmenter's logits to the class of each pixel, to the last bit as `tformer_edge/class_maps.py`: enlarged bilinearly, the
 * highest class wins, of equal ones the lower.
 */

import { UserError } from '../contract/refusal.js';
import { Fraction, gcd } from './fraction.js';

const EXACT = 2 ** 53;
/** Numbers that a strip of a row has at most, so that they fit into a cache. */
const BLOCK = 2 ** 16;

/**
 * @typedef {object} Map3 logits of one image, row by row, cell by cell.
 * @property {Int8Array | Uint8Array | Float32Array} values @property {number} rows @property {number} columns @property {number} classes
 *
 * @typedef {{first: Int32Array, weight: Float64Array, denominator: number}} Positions pixels look at first + weight / denominator.
 */

/**
 * @param {Map3} map @param {number} height in pixels, as `width`. @param {number} width
 * @param {import('./frame.js').Window} [window] of the map that is shown; else all of it.
 * @returns {Uint16Array} height · width classes.
 * @throws {UserError} for logits that are not finite, and for a size at which positions are too long fractions.
 */
export function classMap({ values, rows, columns, classes }, height, width, window) {
  const all = { top: new Fraction(0), left: new Fraction(0), height: new Fraction(rows), width: new Fraction(columns) };
  const shown = window ?? all;
  const down = positions(rows, height, shown.top, shown.height);
  const across = positions(columns, width, shown.left, shown.width);
  if (!(values instanceof Float32Array) && 256 * down.denominator * across.denominator * classes >= EXACT) {
    throw tooLong(`${down.denominator}ths and ${across.denominator}`);
  }
  if (values instanceof Float32Array && !values.every(Number.isFinite)) {
    throw new UserError('finite logits', 'NaN or infinity', 'choose another model');
  }
  // A uint8 less 128 is the int8 of the same order: the same whole numbers, and so the same fractions, everywhere.
  const offset = values instanceof Uint8Array ? 128 : 0;
  const result = new Uint16Array(height * width);
  const strip = Math.max(1, Math.floor(BLOCK / classes));
  const size = classes * Math.min(strip, width);
  let [upper, lower, best] = [new Float64Array(size), new Float64Array(size), new Float64Array(Math.min(strip, width))];

  /** A row of cells, enlarged along the width. @param {number} row @param {number} left @param {number} pixels @param {Float64Array} wide */
  const widen = (row, left, pixels, wide) => {
    for (let x = 0; x < pixels; x++) {
      const first = across.first[left + x];
      const one = (row * columns + first) * classes;
      const next = (row * columns + Math.min(first + 1, columns - 1)) * classes;
      const weight = across.weight[left + x];
      for (let label = 0; label < classes; label++) {
        const p = values[one + label] - offset;
        wide[label * pixels + x] = (values[next + label] - offset - p) * weight + p * across.denominator;
      }
    }
  };

  for (let left = 0; left < width; left += strip) {
    const pixels = Math.min(strip, width - left);
    let seen = -1;
    for (let y = 0; y < height; y++) {
      const first = down.first[y];
      if (first !== seen) {
        if (seen >= 0 && first === seen + 1) [upper, lower] = [lower, upper];
        else widen(first, left, pixels, upper);
        widen(Math.min(first + 1, rows - 1), left, pixels, lower);
        seen = first;
      }
      const [weight, at] = [down.weight[y], y * width + left];
      for (let label = 0; label < classes; label++) {
        const row = label * pixels;
        for (let x = 0; x < pixels; x++) {
          const above = upper[row + x];
          const value = (lower[row + x] - above) * weight + above * down.denominator;
          if (label === 0 || value > best[x]) {
            best[x] = value;
            result[at + x] = label;
          }
        }
      }
    }
  }
  return result;
}

/**
 * Of `source` cells those from `start` with `length` are shown by `target` pixels.
 * @param {number} source @param {number} target @param {Fraction} start @param {Fraction} length @returns {Positions}
 */
function positions(source, target, start, length) {
  const step = length.over(new Fraction(target));
  const begin = start.plus(step.over(new Fraction(2))).minus(new Fraction(1, 2));
  const common = (begin.denominator * step.denominator) / gcd(begin.denominator, step.denominator);
  if (common * BigInt(source) >= BigInt(EXACT)) throw tooLong(`${common}`);
  const result = { first: new Int32Array(target), weight: new Float64Array(target), denominator: Number(common) };
  const most = (source - 1) * result.denominator;
  const increase = Number(step.numerator * (common / step.denominator));
  let position = Number(begin.numerator * (common / begin.denominator));
  for (let pixel = 0; pixel < target; pixel++, position += increase) {
    const bounded = Math.min(Math.max(position, 0), most);
    result.weight[pixel] = bounded % result.denominator;
    result.first[pixel] = (bounded - result.weight[pixel]) / result.denominator;
  }
  return result;
}

/** @param {string} received */
function tooLong(received) {
  return new UserError('positions that are shorter fractions of cells', `${received}ths`, 'use a picture of another size');
}

/**
 * The classes that are there, the largest first; equal ones by lower index.
 * @param {Uint16Array} map @param {number} classes @returns {{index: number, pixels: number, share: number}[]}
 */
export function areas(map, classes) {
  const counts = new Float64Array(classes);
  for (const label of map) counts[label]++;
  const found = [...counts.keys()].filter((index) => counts[index] > 0).sort((a, b) => counts[b] - counts[a]);
  return found.map((index) => ({ index, pixels: counts[index], share: counts[index] / map.length }));
}
