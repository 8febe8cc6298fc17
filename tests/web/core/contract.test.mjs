/** Every shared file of tests/contract: read to the same parts, or refused with the same rule, as Python and Kotlin do. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { crc32, sha256 } from '../../../web/contract/checksums.js';
import { readModelFile } from '../../../web/contract/model_file.js';
import { Refusal } from '../../../web/contract/refusal.js';
import { readZip } from '../../../web/contract/zip.js';
import { canonical, describe, write } from './canonical.mjs';
import { RULES, bytes, file, json, sha256 as reference } from './shared.mjs';

const examples = json('examples/index.json');
const originals = new Map(
  examples.filter((/** @type {any} */ one) => one.accepted && one.contract).map((/** @type {any} */ one) => [one.file, file(`examples/${one.file}`)]),
);

/** A rule, `plain`, or the beginning of the SHA-256 of all that was read. @param {Uint8Array} data */
function verdict(data) {
  const start = performance.now();
  let result;
  try {
    const model = readModelFile(data);
    result = model.contract === null ? 'plain' : reference(canonical(model)).slice(0, 20);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    assert(RULES.has(error.rule), error.rule);
    assert.match(error.message, /^Expected [^]*, received [^]*; [^]*\.$/);
    assert.doesNotMatch(error.message, /[\u0000-\u001f\u007f-\u009f\u202e]/);
    result = error.rule;
  }
  assert(performance.now() - start < 2000, `${data.length} bytes`);
  return result;
}

test('good examples are read with all their fields', () => {
  const good = examples.filter((/** @type {any} */ one) => one.accepted);
  assert(good.length > 10);
  for (const { file: name, flatbuffer_bytes: length, contract } of good) {
    const model = readModelFile(file(`examples/${name}`));
    assert.equal(model.flatbuffer.length, length, name);
    assert.equal(write(describe(model)), write(contract), name);
  }
});

test('bad examples are refused with their rule', () => {
  const bad = examples.filter((/** @type {any} */ one) => !one.accepted);
  assert(bad.length > 100);
  for (const { file: name, rule } of bad) assert.equal(verdict(file(`examples/${name}`)), rule, name);
});

test('every mutation is judged as Python and Kotlin judge it', () => {
  const lines = json('mutations/index.json');
  assert(lines.length >= 2000);
  for (const [number, [name, edits, expected]] of lines.entries()) {
    assert.equal(verdict(mutated(originals.get(name), edits)), expected, `line ${number + 2}, ${name}`);
  }
});

test('every flipped byte is refused, and every truncation refused or without a trace of a contract', () => {
  for (const name of ['good.tflite', 'good_no_golden.tflite', 'good_source.tflite']) {
    const data = originals.get(name);
    const start = readModelFile(data).flatbuffer.length;
    for (let at = 0; at < data.length; at++) {
      const changed = data.slice();
      changed[at] ^= 1 + ((at * 37) % 255);
      assert(RULES.has(verdict(changed)), `${name}, byte ${at}`);
      const cut = verdict(data.slice(0, at));
      assert(RULES.has(cut) || (cut === 'plain' && at < start + 40), `${name} cut at ${at}: ${cut}`);
    }
  }
});

test('checksums are the known ones', () => {
  assert.equal(crc32(new TextEncoder().encode('123456789')), 0xcbf43926);
  for (const length of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 1000, 70_001]) {
    const data = Uint8Array.from({ length }, (_, index) => (index * 131 + length) & 0xff);
    assert.equal(sha256(data), reference(data), `${length}`);
  }
});

test('every rule of the document is one of this reader, and no other', () => {
  const folder = new URL('../../../web/contract/', import.meta.url);
  const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8')).join('\n');
  const used = new Set([...sources.matchAll(/'((?:zip|json|contract|flatbuffer|labels|golden|file)-[a-z0-9-]+|entries)'/g)].map((match) => match[1]));
  assert.deepEqual([...used].sort(), [...RULES].filter((rule) => rule !== 'file').sort());
});

/** @param {Uint8Array} data @param {number} at @param {number} remove @param {Uint8Array} inserted */
const splice = (data, at, remove, inserted) => Buffer.concat([data.slice(0, at), inserted, data.slice(at + remove)]);

/** The file that a line of the mutations describes. @param {Uint8Array} data @param {any[][]} edits */
function mutated(data, edits) {
  if (edits[0].length === 3) return new Uint8Array(edits.reduce((whole, [at, remove, text]) => splice(whole, at, remove, bytes(text)), data));
  const zip = /** @type {NonNullable<ReturnType<typeof readZip>>} */ (readZip(data, 'model.json'));
  const entries = [...zip.entries].map(([name, content]) => ({ name, content }));
  for (const [number, at, remove, text] of edits) entries[number].content = splice(entries[number].content, at, remove, bytes(text));
  return seal(data.slice(0, zip.start), entries);
}

/** A file with an honest zip of these entries. @param {Uint8Array} flatbuffer @param {{name: string, content: Uint8Array}[]} entries */
function seal(flatbuffer, entries) {
  const parts = [flatbuffer];
  const directory = [];
  let offset = flatbuffer.length;
  for (const { name, content } of entries) {
    const common = Buffer.alloc(26);
    [10, 0, 0, 0, 0x21].forEach((value, index) => common.writeUInt16LE(value, 2 * index));
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x0a\x00', 'latin1'), common, tail, Buffer.from(name));
    const local = [Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), content];
    parts.push(...local);
    offset += local.reduce((sum, part) => sum + part.length, 0);
  }
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.reduce((sum, part) => sum + part.length, 0), 12);
  end.writeUInt32LE(offset, 16);
  return new Uint8Array(Buffer.concat([...parts, ...directory, end]));
}
