/** A picture as a model's input sees it: made grey, resized, cropped or padded (docs/contract.md, steps 0 to 3). */

import { UserError } from '../contract/refusal.js';
import { resizedSize } from '../contract/preprocessing.js';
import { resize } from './resize.js';

// JPEG's own limit; with it every size that the resize rule computes stays exact.
const MAX_SIDE = 65_535;

/**
 * @param {import('../contract/preprocessing.js').Preprocessing} rule @param {import('./resize.js').RgbImage} image
 * @returns {import('./resize.js').RgbImage} of the input's size; of a grey input all three channels are the grey.
 */
export function inputPixels(rule, image) {
  if (!(image.width >= 1 && image.height >= 1 && Math.max(image.width, image.height) <= MAX_SIDE)) {
    throw new UserError(`a picture with sides of 1 to ${MAX_SIDE} pixels`, `${image.width} × ${image.height}`, 'choose another one');
  }
  const size = resizedSize(rule, image.height, image.width);
  const given = rule.channels === 1 ? grey(image) : image;
  if (rule.resize === 'letterbox') return padded(rule, resize(given, size, 0, 0, size));
  const top = Math.floor((size.height - rule.height) / 2);
  const left = Math.floor((size.width - rule.width) / 2);
  return resize(given, size, top, left, { height: rule.height, width: rule.width });
}

/** Pillow's "L" in all three channels: a grey pixel keeps its value. @param {import('./resize.js').RgbImage} image */
function grey({ width, height, pixels }) {
  const result = new Uint8Array(pixels.length);
  for (let index = 0; index < pixels.length; index += 3) {
    result.fill((19_595 * pixels[index] + 38_470 * pixels[index + 1] + 7_471 * pixels[index + 2] + 32_768) >> 16, index, index + 3);
  }
  return { width, height, pixels: result };
}

/** @param {import('../contract/preprocessing.js').Preprocessing} rule @param {import('./resize.js').RgbImage} image */
function padded(rule, image) {
  const pixels = new Uint8Array(3 * rule.width * rule.height).fill(rule.padValue ?? 0);
  const top = Math.floor((rule.height - image.height) / 2);
  const left = Math.floor((rule.width - image.width) / 2);
  for (let row = 0; row < image.height; row++) {
    const line = image.pixels.subarray(3 * row * image.width, 3 * (row + 1) * image.width);
    pixels.set(line, 3 * ((top + row) * rule.width + left));
  }
  return { width: rule.width, height: rule.height, pixels };
}
