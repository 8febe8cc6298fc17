/**
 * From 8-bit pixels to the values of an input tensor, to the last bit (docs/contract.md, "Into the tensor"): a table of
 * channels × 256 values, in float64 until the last step.
 */

import { ADVICE, UserError } from '../contract/refusal.js';

/**
 * A tensor at the border of a flatbuffer.
 * @typedef {object} TensorInfo
 * @property {number[]} shape @property {string} type 'int8', 'uint8', 'float32' or another one.
 * @property {number} scale a float32, widened; 0 where there is none. @property {number} zeroPoint
 */

/** @type {Record<string, [number, number]>} */
export const LIMITS = { int8: [-128, 127], uint8: [0, 255] };
const ARRAYS = { int8: Int8Array, uint8: Uint8Array, float32: Float32Array };

/** To the nearest integer, ties to the even one. @param {number} x */
export function rint(x) {
  const up = Math.round(x); // of ties the greater
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

export class InputTensor {
  /**
   * @param {import('../contract/preprocessing.js').Preprocessing} rule @param {TensorInfo} info of one of three types.
   * @throws {UserError} for a scale or zero point that no such tensor has.
   */
  constructor(rule, info) {
    const type = /** @type {keyof typeof ARRAYS} */ (info.type);
    this.batch = info.shape[0];
    this.channels = rule.channels;
    this.table = new ARRAYS[type](256 * rule.channels);
    this.copies = rule.rawPixels && rule.channels === 3 && type !== 'int8';
    const [least, most] = LIMITS[type] ?? [0, 0];
    if (type !== 'float32' && !rule.rawPixels && !(info.scale > 0 && info.scale < Infinity && info.zeroPoint >= least && info.zeroPoint <= most)) {
      const received = `${info.scale} and ${info.zeroPoint}`;
      throw new UserError(`a positive scale and a zero point from ${least} to ${most} for the ${type} input`, received, ADVICE);
    }
    for (let channel = 0; channel < rule.channels; channel++) {
      for (let p = 0; p < 256; p++) {
        const at = 256 * channel + p;
        const real = (p / 255 - rule.mean[channel]) / rule.std[channel];
        // Clipped before it is converted: it may exceed every integer type. A Float32Array rounds to the nearest.
        if (rule.rawPixels) this.table[at] = p + least;
        else if (type === 'float32') this.table[at] = real;
        else this.table[at] = Math.min(Math.max(rint(real / info.scale) + info.zeroPoint, least), most);
      }
    }
  }

  /**
   * The values of a picture of the input's size, as many times as the batch is long.
   * @param {import('./resize.js').RgbImage} image @returns {Int8Array | Uint8Array | Float32Array}
   */
  of({ pixels }) {
    const { channels, table } = this;
    const one = (pixels.length / 3) * channels;
    const tensor = new /** @type {any} */ (table.constructor)(one * this.batch);
    const step = channels === 1 ? 3 : 1; // of a grey input the three channels of a pixel are equal, and one is taken
    if (this.copies) tensor.set(pixels); // each pixel is its own value
    else for (let index = 0; index < one; index++) tensor[index] = table[256 * (index % channels) + pixels[index * step]];
    for (let image = 1; image < this.batch; image++) tensor.copyWithin(image * one, 0, one);
    return tensor;
  }
}
