/** Text in model files: UTF-8 and nothing odd. */

import { isForbidden } from './refusal.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * @param {Uint8Array} data
 * @returns {string | null} null where it is no well-formed UTF-8 (overlong forms and surrogates among them).
 */
export function utf8(data) {
  try {
    return decoder.decode(data);
  } catch {
    return null;
  }
}

/**
 * Whether each half of a surrogate pair has the other half. (String.isWellFormed is younger than the browsers that run this.)
 * @param {string} text
 */
export function isUnicode(text) {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0xd800 || code > 0xdfff) continue;
    const next = text.charCodeAt(++index);
    if (code > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return false;
  }
  return true;
}

/**
 * Whether `text` has 1 to `maxBytes` bytes of UTF-8 and no character that docs/contract.md forbids in names.
 * @param {string} text @param {number} maxBytes
 */
export function isPrintable(text, maxBytes) {
  // A byte or more each, so that an endless text is not encoded first.
  if (text.length < 1 || text.length > maxBytes || !isUnicode(text) || encoder.encode(text).length > maxBytes) return false;
  for (let index = 0; index < text.length; index++) if (isForbidden(text.charCodeAt(index))) return false;
  return true;
}
