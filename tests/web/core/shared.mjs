/** The files under tests/contract that Python made and three languages read, and what their tests share. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const FOLDER = new URL('../../contract/', import.meta.url);

/** @param {string} path */
export const file = (path) => new Uint8Array(readFileSync(new URL(path, FOLDER)));
/** @param {string} path */
export const json = (path) => JSON.parse(readFileSync(new URL(path, FOLDER), 'utf8'));
const documentation = readFileSync(new URL('../../docs/contract.md', FOLDER), 'utf8');

/** The rules that docs/contract.md lists. */
export const RULES = new Set([...documentation.split('\n## Rules\n')[1].matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map((match) => match[1]));

/** @param {string} hex */
export const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
/** @param {Uint8Array} data */
export const hex = (data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
/** @param {string | ArrayBufferView} data */
export const sha256 = (data) => createHash('sha256').update(/** @type {any} */ (data)).digest('hex');

/** A float64 as 16 hexadecimal digits, the greatest byte first. @param {number} value */
export function bits(value) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return hex(new Uint8Array(view.buffer));
}

/** @param {string} digits */
export const double = (digits) => new DataView(bytes(digits).buffer).getFloat64(0);

/** The SHA-256 of numbers as little-endian float64. @param {number[]} values */
export const sha256OfDoubles = (values) => sha256(new Float64Array(values));

/** SplitMix64, as tests/contract/scene_tensors.py. @param {number} seed @param {number} count @returns {bigint[]} */
export function noise(seed, count) {
  const u64 = (/** @type {bigint} */ value) => BigInt.asUintN(64, value);
  return Array.from({ length: count }, (_, index) => {
    let state = u64(BigInt(seed) + BigInt(index + 1) * 0x9e3779b97f4a7c15n);
    state = u64((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    state = u64((state ^ (state >> 27n)) * 0x94d049bb133111ebn);
    return state ^ (state >> 31n);
  });
}

const ARRAYS = { int8: Int8Array, uint8: Uint8Array, float32: Float32Array };

/**
 * The values of a tensor, from its bytes.
 * @param {Uint8Array} data @param {'int8' | 'uint8' | 'float32'} type
 */
export const values = (data, type) => new ARRAYS[type](data.slice().buffer);

/** `count` values that a recipe of a scene describes. @param {any} recipe @param {'int8' | 'uint8' | 'float32'} type @param {number} count */
export function tensor(recipe, type, count) {
  const result = new ARRAYS[type](count);
  noise(recipe.seed, count).forEach((number, index) => {
    const value = Number(number % BigInt(recipe.span)) + recipe.low;
    result[index] = type === 'float32' ? value / 1024 : value;
  });
  const places = type === 'float32' ? new Uint32Array(result.buffer) : result;
  for (const [index, value] of recipe.places) places[index] = value;
  return result;
}
