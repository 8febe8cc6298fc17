/** What output tensors say: rankings, boxes and class maps of the shared vectors, to the last bit where the contract asks for it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { areas, classMap } from '../../../web/answer/class_map.js';
import { detect } from '../../../web/answer/detections.js';
import { exponential, logit, sigmoid } from '../../../web/answer/exponential.js';
import { Frame } from '../../../web/answer/frame.js';
import { goldenAnswer } from '../../../web/answer/golden_answer.js';
import { colour, textOn } from '../../../web/answer/palette.js';
import { rank } from '../../../web/answer/ranking.js';
import { outputShape } from '../../../web/contract/outputs.js';
import { bits, bytes, double, json, noise, sha256, sha256OfDoubles, tensor, values } from './shared.mjs';

const scenes = json('scenes/index.json');

test('exp, sigmoid and logits are the shared ones to the last bit', () => {
  const { exponential: vectors } = scenes;
  for (const one of vectors.values) {
    assert.equal(bits(exponential(double(one.x))), one.exp);
    assert.equal(bits(sigmoid(double(one.x))), one.sigmoid);
  }
  for (const one of vectors.logits) assert.equal(bits(logit(double(one.probability))), one.logit);
  const many = noise(vectors.seed, vectors.count).map((value) => Number(value % 1_416_000_001n) / 1e6 - 708);
  assert.equal(sha256OfDoubles(many.map(exponential)), vectors.exp_sha256);
  assert.equal(sha256OfDoubles(many.map(sigmoid)), vectors.sigmoid_sha256);
  for (const x of [708.1, -709, NaN, Infinity]) assert.throws(() => exponential(x), RangeError);
  for (const p of [0, 1, -0.5, NaN]) assert.throws(() => logit(p), RangeError);
});

test('rankings, scores, probabilities and certainty are the shared ones', () => {
  const { ranking } = json('answers/index.json');
  assert(ranking.length >= 10);
  for (const one of ranking) {
    const given = values(bytes(one.tensor), one.type);
    const info = { shape: [1, given.length], type: one.type, scale: one.scale, zeroPoint: one.zero_point };
    const certainty = one.certainty && { temperature: one.certainty.temperature, notSureBelow: one.certainty.not_sure_below };
    const found = rank(given, info, one.meaning, certainty);
    assert.deepEqual(found.order, one.order);
    assert.deepEqual([...found.scores].map(bits), one.scores);
    assert.equal(found.sure, one.sure);
    found.order.forEach((index, place) => assert(Math.abs(found.probabilities[index] - one.probabilities[place]) <= 1e-12));
  }
  const info = { shape: [1, 1], type: 'float32', scale: 0, zeroPoint: 0 };
  assert.throws(() => rank(Float32Array.of(NaN), info, 'logits', null), /numbers as scores/);
});

/** A contract, as far as answers need one, of a case. @param {any} one @param {any} more @returns {any} */
const contractOf = (one, more) => ({
  labelCount: one.classes,
  batch: one.batch,
  preprocessing: { height: one.input[0], width: one.input[1], resize: more.resize, cropFraction: 1 },
  outputType: one.type,
  ...more,
});

/** @param {any} contract @param {any[]} recipes */
function outputs(contract, recipes) {
  const { height, width } = contract.preprocessing;
  const shapes = contract.outputs.map((/** @type {any} */ one) => outputShape(one, contract.batch, height, width, contract.labelCount));
  const infos = shapes.map((/** @type {number[]} */ shape, /** @type {number} */ n) => ({
    shape, type: contract.outputType, scale: Math.fround(recipes[n].scale), zeroPoint: recipes[n].zero_point,
  }));
  const maps = shapes.map((/** @type {number[]} */ shape, /** @type {number} */ n) =>
    tensor(recipes[n], contract.outputType, shape.reduce((product, side) => product * side, 1)));
  return { infos, maps };
}

test('boxes are the shared ones to the last bit, in the input and in a picture', () => {
  assert(scenes.detection.length >= 25);
  for (const one of scenes.detection) {
    const { rule } = one;
    const contract = contractOf(one, {
      task: 'detection',
      resize: 'letterbox',
      detection: { scoreThreshold: rule.score_threshold, iouThreshold: rule.iou_threshold, perLevel: rule.per_level, maxBoxes: rule.max_boxes },
      outputs: one.levels.flatMap((/** @type {any} */ level) =>
        ['logits', 'deltas'].map((kind) => ({ name: kind, kind, stride: level.stride, anchors: level.anchors }))),
    });
    const { infos, maps } = outputs(contract, one.levels.flatMap((/** @type {any} */ level) => [level.logits, level.deltas]));
    if (one.answer_sha256 === null) {
      assert.throws(() => detect(contract, infos, maps, 0, rule.score_threshold), /^UserError: Expected/, one.name);
      continue;
    }
    assert.equal(sha256(goldenAnswer(contract, infos, maps)), one.answer_sha256, one.name);
    const frame = new Frame(contract.preprocessing, 333, 517);
    const found = detect(contract, infos, maps, 0, double(one.threshold));
    assert.equal(found.length, one.counts[1], one.name);
    const shown = found.map((object) => [sigmoid(object.logit), ...frame.toPicture(object.box)]);
    assert.deepEqual(shown.slice(0, 2).flat().map(bits), one.first, one.name);
    const data = new DataView(new ArrayBuffer(44 * found.length));
    found.forEach((object, index) => {
      data.setUint32(44 * index, object.label, true);
      shown[index].forEach((value, n) => data.setFloat64(44 * index + 4 + 8 * n, value, true));
    });
    assert.equal(sha256(data), one.picture_sha256, one.name);
  }
});

test('class maps are the shared ones to the last bit, of the input and of a picture', () => {
  assert(scenes.segmentation.length >= 20);
  for (const one of scenes.segmentation) {
    const contract = contractOf(one, {
      task: 'segmentation', resize: one.resize, outputs: [{ name: 'classes', kind: 'class_logits', stride: one.stride, anchors: [] }],
    });
    const { infos, maps } = outputs(contract, [one.logits]);
    if (one.answer_sha256 === null) {
      assert.throws(() => goldenAnswer(contract, infos, maps), /^UserError: Expected finite/, one.name);
      continue;
    }
    assert.equal(sha256(goldenAnswer(contract, infos, maps)), one.answer_sha256, one.name);
    const [, rows, columns, classes] = infos[0].shape;
    const map = { values: maps[0].subarray(0, maps[0].length / one.batch), rows, columns, classes };
    assert.deepEqual([...classMap(map, 3, 5)], one.first.flat(), one.name);
    const [height, width] = one.picture;
    const frame = new Frame(contract.preprocessing, height, width);
    const { seen } = frame;
    const picture = new Int32Array(height * width).fill(-1);
    const found = seen.height && seen.width ? classMap(map, seen.height, seen.width, frame.window(rows, columns)) : new Uint16Array(0);
    for (let y = 0; y < (found.length && seen.height); y++) {
      picture.set(found.subarray(y * seen.width, (y + 1) * seen.width), (seen.top + y) * width + seen.left);
    }
    assert.equal(sha256(picture), one.picture_sha256, one.name);
    assert.deepEqual(areas(found, classes).slice(0, 20).map((area) => [area.index, area.pixels]), one.areas, one.name);
  }
});

test('colours are those of tformer_edge/palette.py', () => {
  assert.deepEqual([0, 1, 2, 3].map(colour), [[242, 50, 24], [82, 103, 204], [91, 153, 38], [242, 24, 189]]);
  assert.equal(textOn([255, 255, 0]), 'black');
  assert.equal(textOn([0, 0, 255]), 'white');
});
