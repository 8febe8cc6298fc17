/** What a model file takes, gives, is made of and was made from: docs/contract.md, "model.json". */

import { Fields, MAX_TEXT_BYTES } from './fields.js';
import { parseObject } from './json.js';
import { parseDetectionRule, parseOutputs } from './outputs.js';
import { parsePreprocessing } from './preprocessing.js';
import { Refusal, wrong } from './refusal.js';
import { isPrintable } from './text.js';

const FORMAT = 2;
const [MAX_BATCH, MAX_LABELS, MAX_FLATBUFFER_BYTES] = [1024, 65_536, 2 ** 29];
export const MAX_GOLDEN = 16;
const TYPES = ['int8', 'uint8', 'float32'];

/**
 * @typedef {'int8' | 'uint8' | 'float32'} TensorType
 * @typedef {Map<string, import('./json.js').Json>} JsonObject
 * @typedef {{temperature: number, notSureBelow: number}} Certainty
 * @typedef {{name: string, inputSha256: string, outputSha256: string, xnnpackDifference: number, answerSha256: string | null}} GoldenRecord
 *
 * @typedef {object} Contract
 * @property {number} format @property {string} name @property {'classification' | 'detection' | 'segmentation'} task
 * @property {number} batch images in one input tensor, whose shape is (batch, height, width, channels).
 * @property {import('./preprocessing.js').Preprocessing} preprocessing
 * @property {TensorType} inputType @property {TensorType} outputType @property {'logits' | 'probabilities'} outputMeaning
 * @property {import('./outputs.js').Output[]} outputs in the model's order; none in format 1.
 * @property {import('./outputs.js').DetectionRule | null} detection of a detector of format 2.
 * @property {Certainty | null} certainty of a classifier, where it was measured.
 * @property {number} labelCount @property {string} labelsSha256
 * @property {number[][]} colours red, green, blue of each label, or none.
 * @property {number} flatbufferBytes @property {string} flatbufferSha256
 * @property {GoldenRecord[]} golden
 * @property {JsonObject} source the configuration that built the model.
 * @property {JsonObject | null} accuracy what was measured with this very flatbuffer.
 * @property {JsonObject} versions {program: version} that made the file, all of them text.
 */

/**
 * Keys that are not known are ignored.
 * @param {Uint8Array} data `model.json`. @returns {Contract} @throws {Refusal} for all that docs/contract.md refuses.
 */
export function parseContract(data) {
  const document = new Fields(parseObject(data));
  if (document.integer('format', -Infinity, Infinity) > FORMAT) {
    throw new Refusal('contract-format', `a contract of a format up to ${FORMAT}`, 'a greater one', 'update this program');
  }
  const format = document.integer('format', 1, FORMAT);
  const later = format > 1;
  const input = document.fields('input');
  const output = document.fields('output');
  const labels = document.fields('labels');
  const flatbuffer = document.fields('flatbuffer');
  const task = /** @type {Contract['task']} */ (document.oneOf('task', ['classification', 'detection', 'segmentation']));
  const outputType = /** @type {TensorType} */ (output.oneOf('type', TYPES));
  const outputMeaning = /** @type {Contract['outputMeaning']} */ (output.oneOf('meaning', ['logits', 'probabilities']));
  const labelCount = labels.integer('count', 1, MAX_LABELS);
  return {
    format, task, outputType, outputMeaning, labelCount,
    name: document.text('name'),
    batch: input.integer('batch', 1, MAX_BATCH),
    preprocessing: parsePreprocessing(input, later),
    inputType: /** @type {TensorType} */ (input.oneOf('type', TYPES)),
    outputs: later ? parseOutputs(document, task) : [],
    detection: later && task === 'detection' ? parseDetectionRule(document.fields('detection')) : null,
    certainty: parseCertainty(document, task, outputMeaning),
    labelsSha256: labels.sha256('sha256'),
    colours: later ? parseColours(labels, labelCount) : [],
    flatbufferBytes: flatbuffer.integer('bytes', 8, MAX_FLATBUFFER_BYTES),
    flatbufferSha256: flatbuffer.sha256('sha256'),
    golden: parseGolden(document, outputType, later && task !== 'classification'),
    source: document.map('source'),
    accuracy: document.any('accuracy') === null ? null : document.map('accuracy'),
    versions: parseVersions(document.map('versions')),
  };
}

/** @param {Fields} document @param {string} task @param {string} meaning @returns {Certainty | null} */
function parseCertainty(document, task, meaning) {
  if (!document.has('certainty')) return null;
  const fields = document.fields('certainty');
  const temperature = fields.number('temperature', 'a number from 0.01 to 100', (value) => value >= 0.01 && value <= 100);
  const notSureBelow = fields.number('not_sure_below', 'a number from 0 to 1', (value) => value >= 0 && value <= 1);
  if (task !== 'classification') throw wrong('certainty', 'of a classifier, and of nothing else', task);
  if (meaning === 'probabilities' && temperature !== 1) throw wrong(fields.name('temperature'), '1 of probabilities', temperature);
  return { temperature, notSureBelow };
}

/** @param {Fields} labels @param {number} count @returns {number[][]} */
function parseColours(labels, count) {
  if (!labels.has('colours')) return [];
  const colours = labels.list('colours').map((colour) => {
    const parts = Array.isArray(colour) ? colour : [];
    if (parts.length !== 3 || !parts.every((part) => typeof part === 'number' && part >= 0 && part <= 255)) {
      throw wrong(labels.name('colours'), 'triples of integers from 0 to 255', colour);
    }
    return /** @type {number[]} */ (parts);
  });
  if (colours.length !== 0 && colours.length !== count) throw wrong(labels.name('colours'), `${count} triples`, colours.length);
  return colours;
}

/** @param {Fields} document @param {TensorType} outputType @param {boolean} answers @returns {GoldenRecord[]} */
function parseGolden(document, outputType, answers) {
  const given = document.list('golden');
  if (given.length > MAX_GOLDEN) throw wrong('golden', `up to ${MAX_GOLDEN} records`, given.length);
  return given.map((one, index) => {
    const record = new Fields(one, `golden[${index}].`, `golden[${index}]`);
    const key = 'xnnpack_difference';
    return {
      name: record.text('name'),
      inputSha256: record.sha256('input_sha256'),
      outputSha256: record.sha256('output_sha256'),
      xnnpackDifference:
        outputType === 'float32' ? record.number(key, 'a number of at least 0', (value) => value >= 0) : record.integer(key, 0, 255),
      answerSha256: answers ? record.sha256('answer_sha256') : null,
    };
  });
}

/** @param {JsonObject} values */
function parseVersions(values) {
  const fields = new Fields(values, 'versions.');
  for (const key of values.keys()) {
    if (!isPrintable(key, MAX_TEXT_BYTES)) throw wrong('versions', 'an object whose keys are text', key);
    fields.text(key);
  }
  return values;
}
