/**
 * The zip behind a flatbuffer: one strict form (docs/contract.md, "The zip"). It accepts one byte sequence for given names and
 * contents and refuses every other.
 */

import { crc32 } from './checksums.js';
import { Refusal, quoted } from './refusal.js';

const MAX_ENTRIES = 34;
const MAX_ENTRY_BYTES = 2 ** 24;
const MAX_NAME_BYTES = 64;
const [LOCAL_BYTES, CENTRAL_BYTES, END_BYTES] = [30, 46, 22];
const [LOCAL_SIGNATURE, CENTRAL_SIGNATURE, END_SIGNATURE] = [0x04034b50, 0x02014b50, 0x06054b50];
// Two bytes each: version made by, version needed, flags, method, time, date (1 January 1980), extra, comment, disk, internal.
const CENTRAL_FIXED = [[4, 10], [6, 10], [8, 0], [10, 0], [12, 0], [14, 0x21], [30, 0], [32, 0], [34, 0], [36, 0]];
// Without $, whose meaning differs between languages: the whole match is compared.
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/;

/** @typedef {{name: string, at: number, crc: number, size: number, offset: number}} Header */

/** Numbers in a file, unsigned and little-endian. */
class Bytes {
  /** @param {Uint8Array} data */
  constructor(data) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  /** @param {number} at */
  short(at) {
    return this.view.getUint16(at, true);
  }

  /** @param {number} at */
  int(at) {
    return this.view.getUint32(at, true);
  }

  /** @param {number} at @param {number} offset @param {number} value @param {string} rule @param {string} where */
  fixed(at, offset, value, rule, where) {
    const found = this.short(at + offset);
    if (found !== value) throw new Refusal(rule, `${where} with ${value} at its byte ${offset}`, `${found}`);
  }

  /** @param {number} at @param {string} name of ASCII. */
  named(at, name) {
    for (let index = 0; index < name.length; index++) if (this.data[at + index] !== name.charCodeAt(index)) return false;
    return true;
  }
}

/**
 * Splits a whole file into the bytes before its zip and the zip's entries.
 * @param {Uint8Array} data
 * @param {string} first the name of the first entry, by which a damaged zip is told from none.
 * @returns {{start: number, entries: Map<string, Uint8Array>} | null} null for a file without a zip. Entries are views of `data`.
 * @throws {Refusal} for every file that has one in another form.
 */
export function readZip(data, first) {
  const bytes = new Bytes(data);
  const at = data.length - END_BYTES;
  if (at < 0 || bytes.int(at) !== END_SIGNATURE) {
    refuseRemains(bytes, first);
    return null;
  }
  for (const offset of [4, 6, 20]) bytes.fixed(at, offset, 0, 'zip-end-record', 'the end record');
  const count = bytes.short(at + 8);
  if (count < 1 || count > MAX_ENTRIES) throw new Refusal('zip-entries', `a zip of 1 to ${MAX_ENTRIES} entries`, `${count}`);
  if (bytes.short(at + 10) !== count) {
    throw new Refusal('zip-end-record', `an end record that says ${count} entries twice`, `${bytes.short(at + 10)} as well`);
  }
  const size = bytes.int(at + 12);
  const offset = bytes.int(at + 16);
  if (offset + size !== at) {
    const expected = `a central directory that ends where the end record begins, at byte ${at}`;
    throw new Refusal('zip-directory', expected, `one of ${size} bytes at byte ${offset}`);
  }
  const headers = readDirectory(bytes, offset, at, count);
  checkLayout(headers, offset);
  return { start: headers[0].offset, entries: new Map(headers.map((header) => [header.name, readEntry(bytes, header)])) };
}

/**
 * Refuses a file that was a zip once: cut short, or with bytes (or a comment) behind its end.
 * @param {Bytes} bytes @param {string} first
 */
function refuseRemains(bytes, first) {
  const last = bytes.data.length - LOCAL_BYTES - first.length;
  for (let at = bytes.data.indexOf(0x50); at >= 0 && at <= last; at = bytes.data.indexOf(0x50, at + 1)) {
    if (bytes.int(at) !== LOCAL_SIGNATURE || !bytes.named(at + LOCAL_BYTES, first)) continue;
    const received = `a zip at byte ${at} that is cut short or has bytes behind its end`;
    throw new Refusal('zip-damaged', "the zip's end record as the last 22 bytes of the file", received);
  }
}

/** @param {Bytes} bytes @param {number} from @param {number} stop @param {number} count @returns {Header[]} */
function readDirectory(bytes, from, stop, count) {
  /** @type {Header[]} */
  const headers = [];
  let at = from;
  for (let index = 0; index < count; index++) {
    const where = `header ${index} of the central directory`;
    const ends = new Refusal('zip-directory', `a central directory of ${count} headers`, `one that ends inside header ${index}`);
    if (at > stop - CENTRAL_BYTES) throw ends;
    if (bytes.int(at) !== CENTRAL_SIGNATURE) throw new Refusal('zip-central-header', `${where} with its signature`, 'another');
    for (const [offset, value] of CENTRAL_FIXED) bytes.fixed(at, offset, value, 'zip-central-header', where);
    if (bytes.int(at + 38) !== 0) throw new Refusal('zip-central-header', `${where} with external attributes 0`, 'others');
    const nameBytes = bytes.short(at + 28);
    if (at + CENTRAL_BYTES > stop - nameBytes) throw ends;
    const name = String.fromCharCode(...bytes.data.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + Math.min(nameBytes, 1024)));
    checkName(name, nameBytes, headers);
    // The compressed one, as tformer_edge: where the two differ, the rule that a refusal names hangs on it.
    const size = bytes.int(at + 20);
    if (size > MAX_ENTRY_BYTES) throw new Refusal('zip-entry-size', `${name} of up to ${MAX_ENTRY_BYTES} bytes`, `${size}`);
    if (bytes.int(at + 24) !== size) {
      throw new Refusal('zip-central-header', `${where} with two equal sizes`, `${size} and ${bytes.int(at + 24)} bytes`);
    }
    headers.push({ name, at, crc: bytes.int(at + 16), size, offset: bytes.int(at + 42) });
    at += CENTRAL_BYTES + nameBytes;
  }
  if (at !== stop) {
    throw new Refusal('zip-directory', `a central directory of ${count} headers`, `${stop - at} bytes behind the last one`);
  }
  return headers;
}

/** @param {string} name @param {number} nameBytes @param {Header[]} before */
function checkName(name, nameBytes, before) {
  if (nameBytes > MAX_NAME_BYTES || NAME.exec(name)?.[0] !== name) {
    const expected = `entry names of up to ${MAX_NAME_BYTES} letters, digits and . _ - /, no part beginning with a dot`;
    throw new Refusal('zip-name', expected, quoted(name));
  }
  if (before.some((header) => header.name === name)) throw new Refusal('zip-duplicate', 'every entry name once', `${name} twice`);
}

/**
 * Entries touch: no gap, no overlap, none between the last one and the central directory.
 * @param {Header[]} headers @param {number} directory
 */
function checkLayout(headers, directory) {
  let expected = headers[0].offset;
  for (const header of headers) {
    if (header.offset !== expected) {
      const where = `${header.name} to begin at byte ${expected}, where the one before it ends`;
      throw new Refusal('zip-layout', where, `${header.offset}`);
    }
    expected += LOCAL_BYTES + header.name.length + header.size;
  }
  if (expected !== directory) {
    throw new Refusal('zip-layout', `the central directory at byte ${expected}, behind the last entry`, `${directory}`);
  }
}

/**
 * checkLayout has proved that all of the entry lies before the central directory.
 * @param {Bytes} bytes @param {Header} header
 */
function readEntry(bytes, header) {
  const at = header.offset;
  // From "version needed" to "name length" the two headers are alike; the local one's extra field has no bytes either.
  let alike = bytes.int(at) === LOCAL_SIGNATURE && bytes.short(at + 28) === 0 && bytes.named(at + LOCAL_BYTES, header.name);
  for (let index = 0; index < 24; index++) alike &&= bytes.data[at + 4 + index] === bytes.data[header.at + 6 + index];
  if (!alike) {
    throw new Refusal('zip-local-header', `the local header of ${header.name} to say what the central directory says`, 'another');
  }
  const start = at + LOCAL_BYTES + header.name.length;
  const content = bytes.data.subarray(start, start + header.size);
  const crc = crc32(content);
  if (crc !== header.crc) throw new Refusal('zip-crc', `${header.name} with CRC-32 ${hex(header.crc)}`, hex(crc));
  return content;
}

/** @param {number} value */
const hex = (value) => value.toString(16).padStart(8, '0');
