/** All that was read from a file, as `canonical` of tests/contract/make_mutations.py writes it. */

import { Decimal } from '../../../web/contract/json.js';
import { bits, hex } from './shared.mjs';

/** @param {import('../../../web/contract/model_file.js').ModelFile} file */
export const canonical = (file) => write([hex(file.flatbuffer), describe(file)]);

/** The same as `describe_file` of tests/contract/make_examples.py. @param {import('../../../web/contract/model_file.js').ModelFile} file */
export function describe(file) {
  const { contract, labels, golden } = file;
  if (contract === null) return null;
  const image = contract.preprocessing;
  const rule = contract.detection;
  const later = contract.format === 1 ? {} : {
    outputs: contract.outputs.map((one) => ({
      name: one.name,
      kind: one.kind,
      ...(one.kind === 'scores' ? {} : { stride: one.stride }),
      ...(one.anchors.length ? { anchors: one.anchors } : {}),
    })),
    detection: rule && { score_threshold: rule.scoreThreshold, iou_threshold: rule.iouThreshold, per_level: rule.perLevel, max_boxes: rule.maxBoxes },
    colours: contract.colours,
    answers: golden.map((one) => one.answerSha256),
  };
  return {
    ...later,
    name: contract.name,
    task: contract.task,
    batch: contract.batch,
    preprocessing: {
      input_size: [image.height, image.width],
      channel_order: image.channels === 1 ? 'grey' : 'rgb',
      mean: image.mean,
      std: image.std,
      resize: image.resize,
      crop_fraction: image.cropFraction,
      ...(image.rawPixels ? { encoding: 'pixels' } : {}),
      ...(image.padValue === null ? {} : { pad_value: image.padValue }),
    },
    input_type: contract.inputType,
    output_type: contract.outputType,
    output_meaning: contract.outputMeaning,
    certainty: contract.certainty && { temperature: contract.certainty.temperature, not_sure_below: contract.certainty.notSureBelow },
    labels,
    golden: golden.map((one) => ({ name: one.name, input: hex(one.input), output: hex(one.output), xnnpack_difference: one.xnnpackDifference })),
    source: contract.source,
    accuracy: contract.accuracy,
    versions: contract.versions,
  };
}

/** Numbers as the bits of a float64: JSON's 1 and 1.0 are one number here. @param {any} value @returns {string} */
export function write(value) {
  if (value === null || typeof value === 'boolean') return `${value}`;
  if (value instanceof Decimal) return bits(value.value);
  if (typeof value === 'number') return bits(value);
  if (typeof value === 'string') return `"${Buffer.from(value, 'utf8').toString('hex')}"`;
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return `{${entries.map(([key, inside]) => `${write(key)}:${write(inside)}`).sort().join(',')}}`;
}
