/** Proves that this device computes what the exporter computed: the rules of `tformer_edge/golden_check.py`, for XNNPACK. */

import { goldenAnswer } from '../answer/golden_answer.js';
import { sha256 } from '../contract/checksums.js';
import { TYPE_BYTES } from '../contract/model_file.js';

/** Another processor's kernels may be a unit or two beside the exporter's; of float32 that share of the largest golden value. */
const OTHER_UNITS = 2;
const OTHER_SHARE = 1e-4;
const ARRAYS = { int8: Int8Array, uint8: Uint8Array, float32: Float32Array };

/**
 * @typedef {object} GoldenResult
 * @property {string} name @property {number} difference the largest: units of the last place, or absolute for float32.
 * @property {number} allowed
 * @property {boolean} answered whether the golden output reads as the exporter read it, to the bit.
 * @property {boolean} passed
 */

/** @param {import('./image_model.js').ImageModel} model @returns {Promise<GoldenResult[]>} */
export async function selfTest(model) {
  const { contract } = model;
  const results = [];
  for (const golden of model.file.golden) {
    const input = typed(golden.input, contract.inputType);
    const expected = typed(golden.output, contract.outputType);
    const received = await model.engine.run(/** @type {any} */ (input));
    let [at, difference, greatest] = [0, 0, 0];
    const maps = received.map((values) => {
      const map = expected.subarray(at, (at += values.length));
      values.forEach((value, index) => {
        difference = Math.max(difference, Math.abs(value - map[index])); // keeps a NaN
        greatest = Math.max(greatest, Math.abs(map[index]));
      });
      return map;
    });
    const allowed = golden.xnnpackDifference + (contract.outputType === 'float32' ? OTHER_SHARE * greatest : OTHER_UNITS);
    const answer = goldenAnswer(contract, model.infos, maps);
    const answered = answer === null || golden.answerSha256 === null || sha256(answer) === golden.answerSha256;
    results.push({ name: golden.name, difference, allowed, answered, passed: difference <= allowed && answered });
  }
  return results;
}

/** A copy, since float32 must begin at a multiple of four. @param {Uint8Array} data @param {import('../contract/contract.js').TensorType} type */
function typed(data, type) {
  const copy = data.slice();
  return new ARRAYS[type](copy.buffer, 0, copy.length / TYPE_BYTES[type]);
}
