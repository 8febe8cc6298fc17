/** From a detector's maps to boxes, to the last bit as `tformer_edge/detections.py` (docs/contract.md, "Of a detector"). */

import { UserError } from '../contract/refusal.js';
import { exponential, logit } from './exponential.js';

/** log(1000 / 16) to three digits: the largest change of an anchor's width and height, 62.5 times, either way. */
const CLIP = 4.135;

/**
 * @typedef {Int8Array | Uint8Array | Float32Array} Values of one output tensor, as they stand in it.
 * @typedef {{label: number, logit: number, box: number[]}} Candidate box: left, top, right, bottom in the input's pixels.
 */

/** (q − zero point) · scale, or the float itself. @param {Values} values @param {number} index @param {import('../input/input_tensor.js').TensorInfo} info */
export function real(values, index, info) {
  return values instanceof Float32Array ? values[index] : (values[index] - info.zeroPoint) * info.scale;
}

/**
 * What the maps say of one image of the batch, the best first.
 * @param {import('../contract/contract.js').Contract} contract of a detector of format 2.
 * @param {import('../input/input_tensor.js').TensorInfo[]} infos of the output tensors, in the contract's order and of its shapes.
 * @param {Values[]} maps @param {number} image of the batch.
 * @param {number} scoreThreshold over 0 and under 1: a score must exceed it.
 * @returns {Candidate[]}
 * @throws {UserError} for logits that are NaN, and a candidate's deltas that are not finite.
 */
export function detect(contract, infos, maps, image, scoreThreshold) {
  const rule = /** @type {import('../contract/outputs.js').DetectionRule} */ (contract.detection);
  const threshold = logit(scoreThreshold);
  /** @type {Candidate[]} */
  const candidates = [];
  for (let level = 0; level < contract.outputs.length; level += 2) {
    const count = maps[level].length / contract.batch;
    for (const index of highest(maps[level], infos[level], image * count, count, threshold, rule.perLevel)) {
      candidates.push(candidate(contract, infos, maps, level, image, index));
    }
  }
  // Stable; the difference of equal infinities is NaN, which counts as equal.
  candidates.sort((one, other) => other.logit - one.logit);
  return suppress(candidates, rule);
}

/**
 * Indices within the image, ascending, of the values whose real number exceeds the threshold, up to `limit`; of equal ones the first.
 * @param {Values} values @param {import('../input/input_tensor.js').TensorInfo} info
 * @param {number} start @param {number} count @param {number} threshold @param {number} limit
 */
function highest(values, info, start, count, threshold, limit) {
  /** @type {number[]} */
  const found = [];
  for (let index = 0; index < count; index++) {
    const value = real(values, start + index, info);
    if (Number.isNaN(value)) throw new UserError('numbers as logits', 'some that are none', 'choose another model');
    if (value > threshold) found.push(index);
  }
  if (found.length <= limit) return found;
  found.sort((one, other) => values[start + other] - values[start + one]); // stable
  return found.slice(0, limit).sort((one, other) => one - other);
}

/**
 * @param {import('../contract/contract.js').Contract} contract @param {import('../input/input_tensor.js').TensorInfo[]} infos
 * @param {Values[]} maps @param {number} level the first of its two outputs. @param {number} image @param {number} index
 * @returns {Candidate}
 */
function candidate(contract, infos, maps, level, image, index) {
  const { stride, anchors } = contract.outputs[level];
  const { height, width } = contract.preprocessing;
  const label = index % contract.labelCount;
  const place = (index - label) / contract.labelCount;
  const cell = Math.floor(place / anchors.length);
  const [w, h] = anchors[place % anchors.length];
  const columns = Math.ceil(width / stride);
  const deltas = maps[level + 1];
  const at = image * (deltas.length / contract.batch) + 4 * place;
  const [dx, dy, dw, dh] = [0, 1, 2, 3].map((n) => real(deltas, at + n, infos[level + 1]));
  if (![dx, dy, dw, dh].every(Number.isFinite)) throw new UserError('finite deltas', 'NaN or infinity', 'choose another model');
  const x = ((cell % columns) + 0.5) * stride + dx * w;
  const y = (Math.floor(cell / columns) + 0.5) * stride + dy * h;
  const halfWidth = w * exponential(clip(dw, -CLIP, CLIP)) * 0.5;
  const halfHeight = h * exponential(clip(dh, -CLIP, CLIP)) * 0.5;
  return {
    label,
    logit: real(maps[level], image * (maps[level].length / contract.batch) + index, infos[level]),
    box: [clip(x - halfWidth, 0, width), clip(y - halfHeight, 0, height), clip(x + halfWidth, 0, width), clip(y + halfHeight, 0, height)],
  };
}

/** @param {number} value @param {number} least @param {number} most */
const clip = (value, least, most) => Math.min(Math.max(value, least), most);

/**
 * A box stays unless one of its own class that stays before it overlaps it.
 * @param {Candidate[]} candidates the best first. @param {import('../contract/outputs.js').DetectionRule} rule
 */
function suppress(candidates, { iouThreshold, maxBoxes }) {
  /** @type {Map<number, number[][]>} */
  const keptOfLabel = new Map();
  /** @type {Candidate[]} */
  const kept = [];
  for (const one of candidates) {
    const [left, top, right, bottom] = one.box;
    if (!(right > left && bottom > top)) continue;
    const others = keptOfLabel.get(one.label) ?? [];
    const area = (right - left) * (bottom - top);
    const overlapped = others.some(([otherLeft, otherTop, otherRight, otherBottom]) => {
      const width = Math.max(Math.min(right, otherRight) - Math.max(left, otherLeft), 0);
      const height = Math.max(Math.min(bottom, otherBottom) - Math.max(top, otherTop), 0);
      const inter = width * height;
      return inter > ((otherRight - otherLeft) * (otherBottom - otherTop) + area - inter) * iouThreshold;
    });
    if (overlapped) continue;
    others.push(one.box);
    keptOfLabel.set(one.label, others);
    kept.push(one);
    if (kept.length === maxBoxes) break;
  }
  return kept;
}
