/** What output tensors say, by the contract's own thresholds and without a picture, as bytes (docs/contract.md, "Golden answers"). */

import { classMap } from './class_map.js';
import { detect } from './detections.js';

const BOX_BYTES = 4 + 5 * 8;

/**
 * @param {import('../contract/contract.js').Contract} contract @param {import('../input/input_tensor.js').TensorInfo[]} infos
 * @param {import('./detections.js').Values[]} maps
 * @returns {Uint8Array | null} null where the contract knows no answers: of a classifier, and in format 1.
 * @throws {import('../contract/refusal.js').UserError} for outputs of which no answer comes.
 */
export function goldenAnswer(contract, infos, maps) {
  if (contract.task === 'classification' || contract.outputs.length === 0) return null;
  const images = [...Array(contract.batch).keys()];
  const parts = images.map((image) => (contract.task === 'detection' ? boxes(contract, infos, maps, image) : classes(contract, infos, maps, image)));
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (result.set(part, at), at + part.length), 0);
  return result;
}

/**
 * The number of boxes, then of each its label, logit, left, top, right and bottom.
 * @param {import('../contract/contract.js').Contract} contract @param {import('../input/input_tensor.js').TensorInfo[]} infos
 * @param {import('./detections.js').Values[]} maps @param {number} image
 */
function boxes(contract, infos, maps, image) {
  const rule = /** @type {import('../contract/outputs.js').DetectionRule} */ (contract.detection);
  const found = detect(contract, infos, maps, image, rule.scoreThreshold);
  const data = new DataView(new ArrayBuffer(4 + BOX_BYTES * found.length));
  data.setUint32(0, found.length, true);
  found.forEach(({ label, logit, box }, index) => {
    const at = 4 + BOX_BYTES * index;
    data.setUint32(at, label, true);
    [logit, ...box].forEach((value, n) => data.setFloat64(at + 4 + 8 * n, value, true));
  });
  return new Uint8Array(data.buffer);
}

/**
 * The class of each pixel of the input, 16 bits each.
 * @param {import('../contract/contract.js').Contract} contract @param {import('../input/input_tensor.js').TensorInfo[]} infos
 * @param {import('./detections.js').Values[]} maps @param {number} image
 */
function classes(contract, infos, maps, image) {
  const [, rows, columns, count] = infos[0].shape;
  const size = rows * columns * count;
  const map = { values: maps[0].subarray(image * size, (image + 1) * size), rows, columns, classes: count };
  const found = classMap(map, contract.preprocessing.height, contract.preprocessing.width);
  const data = new DataView(new ArrayBuffer(2 * found.length));
  found.forEach((label, index) => data.setUint16(2 * index, label, true));
  return new Uint8Array(data.buffer);
}
