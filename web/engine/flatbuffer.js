/**
 * The tensors at the border of a flatbuffer that nobody vouches for: LiteRT.js tells neither their scales nor their zero points.
 * Every offset is checked (a DataView does it), and the work is bounded.
 */

import { ADVICE, UserError } from '../contract/refusal.js';

// Field numbers in LiteRT's schema.fbs: of Model, SubGraph, Tensor, QuantizationParameters, SignatureDef, TensorMap.
const [SUBGRAPHS, SIGNATURES, TENSORS, INPUTS, OUTPUTS] = [2, 7, 0, 1, 2];
const [SHAPE, TYPE, QUANTIZATION, SCALE, ZERO_POINT] = [0, 1, 4, 2, 3];
const [SIGNATURE_OUTPUTS, MAP_NAME, MAP_TENSOR] = [1, 0, 1];
/** @type {Record<number, string>} */
const TYPES = { 0: 'float32', 1: 'float16', 2: 'int32', 3: 'uint8', 4: 'int64', 6: 'bool', 7: 'int16', 9: 'int8' };
const MAX_BORDER = 64;
const MAX_DIMENSIONS = 16;
const MAX_NAME_BYTES = 1024;

/**
 * @typedef {object} Border
 * @property {import('../input/input_tensor.js').TensorInfo[]} inputs @property {import('../input/input_tensor.js').TensorInfo[]} outputs
 * @property {Map<string, number>} signature {name of an output: its place in `outputs`}, of the first signature.
 */

/** @param {Uint8Array} flatbuffer @returns {Border} @throws {UserError} for all that is no flatbuffer of a model. */
export function readBorder(flatbuffer) {
  try {
    return border(new DataView(flatbuffer.buffer, flatbuffer.byteOffset, flatbuffer.byteLength));
  } catch (error) {
    if (error instanceof RangeError) throw damaged('an offset behind its end');
    throw error;
  }
}

/** @param {DataView} view @returns {Border} */
function border(view) {
  const model = new Table(view, view.getUint32(0, true));
  const graph = model.tables(SUBGRAPHS, MAX_BORDER)[0];
  if (!graph) throw damaged('one without a graph');
  const tensors = graph.vector(TENSORS);
  const info = (/** @type {number} */ index) => {
    if (index < 0 || index >= tensors.count) throw damaged(`tensor ${index} where there are ${tensors.count}`);
    return tensorInfo(new Table(view, follow(view, tensors.start + 4 * index)));
  };
  const outputs = graph.integers(OUTPUTS, MAX_BORDER);
  const signature = new Map();
  for (const entry of model.tables(SIGNATURES, MAX_BORDER)[0]?.tables(SIGNATURE_OUTPUTS, MAX_BORDER) ?? []) {
    signature.set(entry.text(MAP_NAME), outputs.indexOf(entry.number(MAP_TENSOR, 'getUint32', 0)));
  }
  return { inputs: graph.integers(INPUTS, MAX_BORDER).map(info), outputs: outputs.map(info), signature };
}

/** @param {Table} tensor @returns {import('../input/input_tensor.js').TensorInfo} */
function tensorInfo(tensor) {
  const type = tensor.number(TYPE, 'getInt8', 0);
  const quantization = tensor.table(QUANTIZATION);
  const scales = quantization?.vector(SCALE);
  const zeroPoints = quantization?.vector(ZERO_POINT);
  return {
    shape: tensor.integers(SHAPE, MAX_DIMENSIONS),
    type: TYPES[type] ?? `type ${type}`,
    // One for the whole tensor, as at every border of ours; several (one a channel) count as none.
    scale: scales?.count === 1 ? tensor.view.getFloat32(scales.start, true) : 0,
    zeroPoint: zeroPoints?.count === 1 ? Number(tensor.view.getBigInt64(zeroPoints.start, true)) : 0,
  };
}

/** Where the offset at byte `at` points: it counts from where it stands. @param {DataView} view @param {number} at */
const follow = (view, at) => at + view.getUint32(at, true);

/** One table. Fields are named by their number in the schema, from 0; a field that is not there has its default. */
class Table {
  /** @param {DataView} view @param {number} at */
  constructor(view, at) {
    this.view = view;
    this.at = at;
    // The offset to the vtable is signed and counts backwards.
    this.fields = at - view.getInt32(at, true);
    this.fieldsBytes = view.getUint16(this.fields, true);
  }

  /** @param {number} field @returns {number | null} */
  place(field) {
    const entry = 4 + 2 * field;
    if (entry + 2 > this.fieldsBytes) return null;
    const offset = this.view.getUint16(this.fields + entry, true);
    return offset === 0 ? null : this.at + offset;
  }

  /** @param {number} field @param {'getInt8' | 'getUint32'} read @param {number} otherwise */
  number(field, read, otherwise) {
    const at = this.place(field);
    return at === null ? otherwise : this.view[read](at, true);
  }

  /** @param {number} field */
  table(field) {
    const at = this.place(field);
    return at === null ? null : new Table(this.view, follow(this.view, at));
  }

  /** Where the first item of a vector is, and how many there are. @param {number} field */
  vector(field) {
    const at = this.place(field);
    if (at === null) return { start: 0, count: 0 };
    const start = follow(this.view, at);
    return { start: start + 4, count: this.view.getUint32(start, true) };
  }

  /** @param {number} field @param {number} most */
  places(field, most) {
    const { start, count } = this.vector(field);
    if (count > most) throw damaged(`${count} of what there are up to ${most}`);
    return Array.from({ length: count }, (_, index) => start + 4 * index);
  }

  /** @param {number} field @param {number} most @returns {Table[]} */
  tables(field, most) {
    return this.places(field, most).map((at) => new Table(this.view, follow(this.view, at)));
  }

  /** @param {number} field @param {number} most */
  integers(field, most) {
    return this.places(field, most).map((at) => this.view.getInt32(at, true));
  }

  /** @param {number} field */
  text(field) {
    const { start, count } = this.vector(field);
    if (count > MAX_NAME_BYTES) throw damaged(`a name of ${count} bytes`);
    if (start + count > this.view.byteLength) throw damaged('a name behind its end');
    return new TextDecoder().decode(new Uint8Array(this.view.buffer, this.view.byteOffset + start, count));
  }
}

/** @param {string} reason */
const damaged = (reason) => new UserError('a flatbuffer for LiteRT', reason, ADVICE);
