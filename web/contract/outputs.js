/** What the output tensors of a model are (docs/contract.md, "Outputs"), and how a detector's boxes are found. */

import { Fields, numberOf } from './fields.js';
import { wrong } from './refusal.js';

const [MAX_OUTPUTS, MAX_STRIDE, MAX_ANCHORS, MAX_ANCHOR_SIDE] = [64, 8192, 64, 65_536];
const KINDS = ['scores', 'logits', 'deltas', 'class_logits'];

/**
 * @typedef {object} Output
 * @property {string} name
 * @property {'scores' | 'logits' | 'deltas' | 'class_logits'} kind
 * @property {number} stride pixels of the input between two cells of the map; 0 of scores.
 * @property {[number, number][]} anchors width and height in pixels of the input; of logits and deltas alone.
 *
 * @typedef {{scoreThreshold: number, iouThreshold: number, perLevel: number, maxBoxes: number}} DetectionRule
 */

/**
 * @param {Fields} document `model.json`. @param {string} task
 * @returns {Output[]} in the model's order.
 */
export function parseOutputs(document, task) {
  const given = document.list('outputs');
  if (given.length < 1 || given.length > MAX_OUTPUTS) throw wrong('outputs', `1 to ${MAX_OUTPUTS} objects`, given.length);
  const outputs = given.map((one, index) => parseOutput(new Fields(one, `outputs[${index}].`, `outputs[${index}]`)));
  if (!fits(outputs, task)) {
    throw wrong('outputs', `those of ${task}, as docs/contract.md has them`, outputs.map((one) => one.kind).join(', '));
  }
  return outputs;
}

/** @param {Fields} fields @returns {Output} */
function parseOutput(fields) {
  const kind = /** @type {Output['kind']} */ (fields.oneOf('kind', KINDS));
  return {
    name: fields.text('name'),
    kind,
    stride: kind === 'scores' ? 0 : fields.integer('stride', 1, MAX_STRIDE),
    anchors: kind === 'logits' || kind === 'deltas' ? parseAnchors(fields) : [],
  };
}

/** @param {Fields} fields @returns {[number, number][]} */
function parseAnchors(fields) {
  const given = fields.list('anchors');
  if (given.length < 1 || given.length > MAX_ANCHORS) throw wrong(fields.name('anchors'), `1 to ${MAX_ANCHORS} pairs`, given.length);
  return given.map((pair) => {
    const sides = Array.isArray(pair) ? pair.map(numberOf) : [];
    if (sides.length !== 2 || !sides.every((side) => side !== null && side > 0 && side <= MAX_ANCHOR_SIDE)) {
      throw wrong(fields.name('anchors'), `pairs of numbers over 0 and up to ${MAX_ANCHOR_SIDE}`, pair);
    }
    return /** @type {[number, number]} */ (sides);
  });
}

/** @param {Output[]} outputs @param {string} task */
function fits(outputs, task) {
  if (task !== 'detection') return outputs.length === 1 && outputs[0].kind === (task === 'segmentation' ? 'class_logits' : 'scores');
  return outputs.every((one, index) => {
    const other = outputs[index - 1];
    if (one.kind !== (index % 2 ? 'deltas' : 'logits') || one.anchors.length !== outputs[0].anchors.length) return false;
    if (index % 2 === 0) return index + 1 < outputs.length && (index === 0 || other.stride < one.stride);
    return one.stride === other.stride && one.anchors.every((pair, n) => pair.every((side, m) => side === other.anchors[n][m]));
  });
}

/**
 * The tensor's shape.
 * @param {Output} output @param {number} batch @param {number} height of the input. @param {number} width @param {number} labels
 */
export function outputShape(output, batch, height, width, labels) {
  if (output.kind === 'scores') return [batch, labels];
  const cells = [batch, Math.ceil(height / output.stride), Math.ceil(width / output.stride)];
  if (output.kind === 'class_logits') return [...cells, labels];
  return [...cells, output.anchors.length * (output.kind === 'logits' ? labels : 4)];
}

/** @param {Fields} fields `detection` of a `model.json`. @returns {DetectionRule} */
export function parseDetectionRule(fields) {
  return {
    scoreThreshold: fields.number('score_threshold', 'a number over 0 and under 1', (value) => value > 0 && value < 1),
    iouThreshold: fields.number('iou_threshold', 'a number from 0 to 1', (value) => value >= 0 && value <= 1),
    perLevel: fields.integer('per_level', 1, 100_000),
    maxBoxes: fields.integer('max_boxes', 1, 10_000),
  };
}
