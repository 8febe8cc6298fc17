/** A model file, checked: a flatbuffer with its contract, labels and golden vectors behind it (docs/contract.md). */

import { sha256 } from './checksums.js';
import { MAX_GOLDEN, parseContract } from './contract.js';
import { outputShape } from './outputs.js';
import { Refusal, quoted } from './refusal.js';
import { isPrintable, utf8 } from './text.js';
import { readZip } from './zip.js';

export const MAX_FILE_BYTES = 603_979_776;
const [IDENTIFIER, JSON_NAME, LABELS_NAME] = ['TFL3', 'model.json', 'labels.txt'];
const MAX_LABEL_BYTES = 256;
const LINES = `lines of 1 to ${MAX_LABEL_BYTES} bytes of UTF-8 without control characters, each ending in a line feed`;
/** @type {Record<import('./contract.js').TensorType, number>} */
export const TYPE_BYTES = { int8: 1, uint8: 1, float32: 4 };

/**
 * @typedef {object} Golden one input tensor and what LiteRT's reference kernels give for it, row-major, float32 little-endian.
 * @property {string} name @property {Uint8Array} input @property {Uint8Array} output several outputs one behind the other.
 * @property {number} xnnpackDifference @property {string | null} answerSha256
 *
 * @typedef {object} ModelFile all bytes are views of the file's.
 * @property {Uint8Array} flatbuffer
 * @property {import('./contract.js').Contract | null} contract null, with no labels and golden vectors, for a file without one.
 * @property {string[]} labels @property {Golden[]} golden
 */

/** @param {number} bytes of a file, before it is read. */
export function checkFileSize(bytes) {
  if (bytes > MAX_FILE_BYTES) throw new Refusal('file-size', `a file of up to ${MAX_FILE_BYTES} bytes`, 'a longer one');
}

/**
 * Reads and checks a whole file, in the document's order.
 * @param {Uint8Array} data @returns {ModelFile}
 * @throws {Refusal} naming the broken rule, and nothing else, whatever the bytes are.
 */
export function readModelFile(data) {
  checkFileSize(data.length);
  if (data.length < 8 || [...IDENTIFIER].some((letter, index) => data[4 + index] !== letter.charCodeAt(0))) {
    throw new Refusal('flatbuffer-identifier', `'${IDENTIFIER}' at byte 4, as a .tflite file has it`, 'another file');
  }
  const zip = readZip(data, JSON_NAME);
  if (zip === null) return { flatbuffer: data, contract: null, labels: [], golden: [] };
  checkNames([...zip.entries.keys()]);
  const entry = (/** @type {string} */ name) => /** @type {Uint8Array} */ (zip.entries.get(name));
  const contract = parseContract(entry(JSON_NAME));
  if (zip.start !== contract.flatbufferBytes) {
    throw new Refusal('flatbuffer-size', `a flatbuffer of ${contract.flatbufferBytes} bytes`, `${zip.start}`);
  }
  const flatbuffer = data.subarray(0, zip.start);
  checkSha256('flatbuffer-sha256', 'the flatbuffer', flatbuffer, contract.flatbufferSha256);
  checkSha256('labels-sha256', LABELS_NAME, entry(LABELS_NAME), contract.labelsSha256);
  const labels = parseLabels(entry(LABELS_NAME), contract.labelCount);
  const vectors = zip.entries.size / 2 - 1;
  if (vectors !== contract.golden.length) {
    throw new Refusal('golden-count', `${contract.golden.length} golden vectors, as the contract says`, `${vectors}`);
  }
  const golden = contract.golden.map((record, index) => {
    const [input, output] = [entry(`golden/${index}.in`), entry(`golden/${index}.out`)];
    checkSha256('golden-sha256', `golden/${index}.in`, input, record.inputSha256);
    checkSha256('golden-sha256', `golden/${index}.out`, output, record.outputSha256);
    checkGoldenSizes(contract, index, input, output);
    const { name, xnnpackDifference, answerSha256 } = record;
    return { name, input, output, xnnpackDifference, answerSha256 };
  });
  return { flatbuffer, contract, labels, golden };
}

/**
 * `model.json`, `labels.txt`, `golden/0.in`, `golden/0.out`, … in this order and no other.
 * @param {string[]} names
 */
function checkNames(names) {
  const expected = [JSON_NAME, LABELS_NAME];
  for (let index = 0; index < Math.min(names.length / 2 - 1, MAX_GOLDEN); index++) expected.push(`golden/${index}.in`, `golden/${index}.out`);
  if (names.join('\n') !== expected.join('\n')) {
    const order = 'the entries model.json, labels.txt and golden/N.in, golden/N.out for N = 0, 1, … in this order';
    throw new Refusal('entries', order, quoted(names.join(', '), 200));
  }
}

/** @param {Uint8Array} data @param {number} count */
function parseLabels(data, count) {
  // Counted before splitting, so that a file of nothing but line feeds costs no memory.
  let lineFeeds = 0;
  for (const byte of data) if (byte === 10) lineFeeds++;
  if (lineFeeds !== count) throw new Refusal('labels-count', `${count} lines in labels.txt, as the contract says`, `${lineFeeds}`);
  const text = utf8(data);
  if (text === null) throw new Refusal('labels-text', LINES, 'other bytes in labels.txt');
  const labels = text.split('\n');
  if (labels.pop() !== '') throw new Refusal('labels-text', LINES, 'a labels.txt whose last line has no end');
  labels.forEach((line, number) => {
    if (!isPrintable(line, MAX_LABEL_BYTES)) throw new Refusal('labels-text', LINES, `${quoted(line, 40)} for label ${number}`);
  });
  return labels;
}

/** @param {import('./contract.js').Contract} contract @param {number} index @param {Uint8Array} input @param {Uint8Array} output */
function checkGoldenSizes(contract, index, input, output) {
  const { height, width, channels } = contract.preprocessing;
  // Products of up to 1024 · 8192² · 64 · 65,536 lose their last bits as float64 where no file is as long.
  const values = (/** @type {number[]} */ shape) => shape.reduce((product, side) => product * side, 1);
  checkSize(`golden/${index}.in`, input, values([contract.batch, height, width, channels]) * TYPE_BYTES[contract.inputType]);
  const shapes = outputShapes(contract);
  if (shapes !== null) {
    const total = shapes.reduce((sum, shape) => sum + values(shape), 0);
    checkSize(`golden/${index}.out`, output, total * TYPE_BYTES[contract.outputType]);
  }
}

/**
 * The shapes of the output tensors; null of other tasks than classification in format 1, of which nothing is known.
 * @param {import('./contract.js').Contract} contract
 */
export function outputShapes(contract) {
  if (contract.task === 'classification') return [[contract.batch, contract.labelCount]];
  const { height, width } = contract.preprocessing;
  if (contract.outputs.length === 0) return null;
  return contract.outputs.map((output) => outputShape(output, contract.batch, height, width, contract.labelCount));
}

/** @param {string} name @param {Uint8Array} data @param {number} expected */
function checkSize(name, data, expected) {
  if (data.length !== expected) {
    throw new Refusal('golden-size', `${name} of ${expected} bytes, one tensor of the contract's shape`, `${data.length}`);
  }
}

/** @param {string} rule @param {string} name @param {Uint8Array} data @param {string} expected */
function checkSha256(rule, name, data, expected) {
  const received = sha256(data);
  if (received !== expected) throw new Refusal(rule, `${name} with SHA-256 ${expected}`, received);
}
