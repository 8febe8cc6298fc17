/** A classifier's answer: labels ranked by the tensor's own values, and whether the best one is an answer at all. */

import { UserError } from '../contract/refusal.js';
import { real } from './detections.js';

/**
 * @typedef {object} Ranking
 * @property {number[]} order of the labels, the best first; equal ones by lower index.
 * @property {Float64Array} scores a label each, dequantized. @property {Float64Array} probabilities a label each, for display.
 * @property {boolean} sure whether the best probability is as high as the contract asks of an answer.
 */

/**
 * @param {import('./detections.js').Values} values one a label. @param {import('../input/input_tensor.js').TensorInfo} info
 * @param {'logits' | 'probabilities'} meaning @param {import('../contract/contract.js').Certainty | null} certainty
 * @returns {Ranking} @throws {UserError} where a probability is no number.
 */
export function rank(values, info, meaning, certainty) {
  const scores = Float64Array.from(values, (_, index) => real(values, index, info));
  const probabilities = meaning === 'logits' ? softmax(scores, certainty?.temperature ?? 1) : scores;
  if (probabilities.some(Number.isNaN)) throw new UserError('numbers as scores', 'some that are none', 'choose another model');
  const order = [...values.keys()].sort((one, other) => values[other] - values[one]); // stable
  return { order, scores, probabilities, sure: probabilities[order[0]] >= (certainty?.notSureBelow ?? 0) };
}

/** exp(scores / temperature) / sum, without overflow. @param {Float64Array} scores @param {number} temperature */
function softmax(scores, temperature) {
  const greatest = scores.reduce((one, other) => Math.max(one, other), -Infinity);
  const powers = scores.map((score) => Math.exp((score - greatest) / temperature));
  const sum = powers.reduce((one, other) => one + other, 0);
  return powers.map((power) => power / sum);
}
