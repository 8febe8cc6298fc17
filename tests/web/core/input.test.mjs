/** From pixels to the input tensor: the shared vectors to the last bit, and where a picture lies in an input. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { resizedSize } from '../../../web/contract/preprocessing.js';
import { Frame } from '../../../web/answer/frame.js';
import { inputPixels } from '../../../web/input/input_pixels.js';
import { InputTensor, rint } from '../../../web/input/input_tensor.js';
import { bytes, file, json, noise, sha256, sha256OfDoubles } from './shared.mjs';

/** @param {Uint8Array} data */
function readPpm(data) {
  const header = /** @type {RegExpExecArray} */ (/^P6\n(\d+) (\d+)\n255\n/.exec(Buffer.from(data).toString('latin1')));
  return { width: Number(header[1]), height: Number(header[2]), pixels: data.slice(header[0].length) };
}

/** @param {any} given the contract's `input`. @returns {import('../../../web/contract/preprocessing.js').Preprocessing} */
const preprocessing = (given) => ({
  height: given.height,
  width: given.width,
  channels: given.channels ?? 3,
  resize: given.resize,
  cropFraction: given.crop_fraction,
  rawPixels: given.encoding === 'pixels',
  mean: given.mean,
  std: given.std,
  padValue: given.pad_value ?? null,
});

test('every vector comes out to the last bit', () => {
  const cases = json('vectors/index.json');
  assert(cases.length >= 20);
  for (const one of cases) {
    const rule = preprocessing(one.input);
    const image = readPpm(file(`vectors/${one.image}`));
    const size = resizedSize(rule, image.height, image.width);
    assert.deepEqual([size.height, size.width], one.resized);
    const pixels = inputPixels(rule, image);
    const kept = pixels.pixels.filter((_, index) => index % 3 < rule.channels);
    assert.equal(sha256(kept), one.pixels_sha256, JSON.stringify(one));
    const shape = [1, rule.height, rule.width, rule.channels];
    const tensor = new InputTensor(rule, { shape, type: one.input.type, scale: one.scale, zeroPoint: one.zero_point }).of(pixels);
    const data = new Uint8Array(tensor.buffer);
    assert.equal(sha256(data), one.tensor_sha256, JSON.stringify(one));
    if (one.tensor) assert.deepEqual(data, bytes(one.tensor));
  }
});

test('regions, windows and boxes are the shared ones', () => {
  const { frames } = json('scenes/index.json');
  assert(frames.length > 50);
  for (const one of frames) {
    const [height, width] = one.input;
    const frame = new Frame(preprocessing({ height, width, resize: one.resize, crop_fraction: one.crop_fraction }), one.picture[0], one.picture[1]);
    const { seen } = frame;
    assert.deepEqual([seen.top, seen.left, seen.height, seen.width], one.seen);
    const window = frame.window(Math.floor(height / 4), Math.floor(width / 4));
    assert.deepEqual([window.top, window.left, window.height, window.width].map(String), one.window);
    const given = noise(one.seed, 80).map((value) => Number(value % 3000n) / 8 - 40);
    assert.equal(sha256OfDoubles(frame.toPicture(given)), one.to_picture_sha256, JSON.stringify(one));
  }
});

test('ties go to the even integer', () => {
  const cases = [[0.5, 0], [1.5, 2], [2.5, 2], [-0.5, 0], [-1.5, -2], [-2.5, -2], [0.49999999999999994, 0], [4503599627370497, 4503599627370497], [1e300, 1e300]];
  for (const [value, expected] of cases) assert.equal(rint(value) + 0, expected, `${value}`);
});

test('the longest strips stay exact, and sides beyond are refused', () => {
  const rule = preprocessing({ height: 8192, width: 8192, resize: 'shorter', crop_fraction: 0.25 });
  assert.deepEqual(resizedSize(rule, 1, 65_535), { height: 32_768, width: 65_535 * 32_768 });
  const small = preprocessing({ height: 2, width: 2, resize: 'shorter', crop_fraction: 1 });
  assert.throws(() => inputPixels(small, { width: 65_536, height: 1, pixels: new Uint8Array(3 * 65_536) }), /^UserError: Expected .* received 65536 × 1; .*\.$/);
});

test('a scale and a zero point that no tensor has are refused, and a batch repeats the picture', () => {
  const rule = preprocessing({ height: 1, width: 1, resize: 'stretch', crop_fraction: 1, mean: [0, 0, 0], std: [1, 1, 1] });
  const shape = [2, 1, 1, 3];
  for (const [scale, zeroPoint] of [[0, 0], [-1, 0], [NaN, 0], [Infinity, 0], [0.1, 128], [0.1, -129]]) {
    assert.throws(() => new InputTensor(rule, { shape, type: 'int8', scale, zeroPoint }), /a positive scale/);
  }
  const pixels = Uint8Array.of(0, 128, 255);
  const tensor = new InputTensor(rule, { shape, type: 'uint8', scale: 1 / 255, zeroPoint: 0 }).of({ width: 1, height: 1, pixels });
  assert.deepEqual(tensor, Uint8Array.of(...pixels, ...pixels));
});
