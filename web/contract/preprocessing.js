/** `input` of a contract: how an RGB picture becomes a model's input (docs/contract.md, "From an image to the input tensor"). */

import { wrong } from './refusal.js';

const MAX_SIDE = 8192;
const MAX_COVERED = 4 * MAX_SIDE;

/**
 * @typedef {object} Preprocessing
 * @property {number} height of the input in pixels, as `width` 1 to 8192. @property {number} width
 * @property {number} channels 3 of RGB, or 1 of grey.
 * @property {'shorter' | 'stretch' | 'letterbox'} resize keeps the proportions and crops the centre; or neither; or pads.
 * @property {number} cropFraction over 0 to 1: the part of the covered size that the crop keeps.
 * @property {boolean} rawPixels whether the model takes pixels as they are; `mean` is 0 and `std` 1 / 255 then.
 * @property {number[]} mean a channel each, 0 to 1, white being 1. @property {number[]} std a channel each, 1e-6 to 1e6.
 * @property {number | null} padValue of letterbox alone, 0 to 255.
 */

/**
 * @param {import('./fields.js').Fields} input @param {boolean} later of format 2.
 * @returns {Preprocessing} @throws {import('./refusal.js').Refusal}
 */
export function parsePreprocessing(input, later) {
  const channels = input.oneOf('channel_order', later ? ['rgb', 'grey'] : ['rgb']) === 'grey' ? 1 : 3;
  input.integer('channels', channels, channels);
  const choices = later ? ['shorter', 'stretch', 'letterbox'] : ['shorter', 'stretch'];
  const resize = /** @type {Preprocessing['resize']} */ (input.oneOf('resize', choices));
  const rawPixels = later && input.oneOf('encoding', ['normalised', 'pixels']) === 'pixels';
  const height = input.integer('height', 1, MAX_SIDE);
  const width = input.integer('width', 1, MAX_SIDE);
  const cropFraction = input.number('crop_fraction', 'over 0 and up to 1', (value) => value > 0 && value <= 1);
  if (resize !== 'shorter' && cropFraction !== 1) throw wrong('input.crop_fraction', `1 with a resize of ${resize}`, cropFraction);
  // Compared as float64: a quotient by a number near 0 is infinite.
  if (Math.floor(Math.max(height, width) / cropFraction + 0.5) > MAX_COVERED) {
    const expected = `so great that height and width divided by it are at most ${MAX_COVERED}`;
    throw wrong('input.crop_fraction', expected, cropFraction);
  }
  return {
    height, width, channels, resize, cropFraction, rawPixels,
    mean: rawPixels ? Array(channels).fill(0) : input.numbers('mean', channels, 0, 1),
    std: rawPixels ? Array(channels).fill(1 / 255) : input.numbers('std', channels, 1e-6, 1e6),
    padValue: resize === 'letterbox' ? input.integer('pad_value', 0, 255) : null,
  };
}

/**
 * To which a picture is resized before the crop or the padding. Products stay below 2^53: 32,768 times 65,535 times as much.
 * @param {Preprocessing} rule @param {number} height of the picture, 1 to 65,535, as `width`. @param {number} width
 * @returns {{height: number, width: number}}
 */
export function resizedSize(rule, height, width) {
  if (rule.resize === 'stretch') return { height: rule.height, width: rule.width };
  const coverHeight = Math.floor(rule.height / rule.cropFraction + 0.5);
  const coverWidth = Math.floor(rule.width / rule.cropFraction + 0.5);
  // Compared and applied in integers, so that all languages agree. The larger of the two scales covers, the smaller fits.
  const tall = coverHeight * width;
  const wide = coverWidth * height;
  if (rule.resize === 'shorter' ? tall >= wide : tall <= wide) {
    return { height: coverHeight, width: Math.max(1, quotient(tall, height)) };
  }
  return { height: Math.max(1, quotient(wide, width)), width: coverWidth };
}

/** ⌊a / b⌋ of integers, exact: the quotient of float64 may round up to the next integer. @param {number} a @param {number} b */
const quotient = (a, b) => (a - (a % b)) / b;
