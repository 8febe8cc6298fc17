/** Checked access to one object of `model.json`: each refusal has the rule `contract-field` and names the field. */

import { Decimal } from './json.js';
import { Refusal, wrong } from './refusal.js';
import { isPrintable } from './text.js';

export const MAX_TEXT_BYTES = 100;

/**
 * @param {unknown} value of a parsed `model.json`.
 * @returns {number | null} null for all that is no number.
 */
export function numberOf(value) {
  if (value instanceof Decimal) return value.value;
  return typeof value === 'number' ? value : null;
}

export class Fields {
  /**
   * @param {unknown} values a map. @param {string} [prefix] what stands in front of each name.
   * @param {string} [where] what the object is called, where it might be none.
   */
  constructor(values, prefix = '', where = prefix) {
    if (!(values instanceof Map)) throw wrong(where, 'an object', values);
    this.values = values;
    this.prefix = prefix;
  }

  /** @param {string} key */
  name(key) {
    return this.prefix + key;
  }

  /** @param {string} key */
  has(key) {
    return this.values.has(key);
  }

  /** @param {string} key @returns {import('./json.js').Json} */
  any(key) {
    if (!this.values.has(key)) throw new Refusal('contract-field', `${this.name(key)} in model.json`, 'none');
    return this.values.get(key);
  }

  /** @param {string} key */
  fields(key) {
    return new Fields(this.any(key), `${this.name(key)}.`, this.name(key));
  }

  /** @param {string} key @returns {Map<string, import('./json.js').Json>} */
  map(key) {
    return this.fields(key).values;
  }

  /** @param {string} key @returns {import('./json.js').Json[]} */
  list(key) {
    const value = this.any(key);
    if (!Array.isArray(value)) throw wrong(this.name(key), 'an array', value);
    return value;
  }

  /** @param {string} key */
  string(key) {
    const value = this.any(key);
    if (typeof value !== 'string') throw wrong(this.name(key), 'a string', value);
    return value;
  }

  /**
   * Written without fraction and exponent.
   * @param {string} key @param {number} least @param {number} most
   */
  integer(key, least, most) {
    const value = this.any(key);
    if (typeof value !== 'number' || value < least || value > most) {
      throw wrong(this.name(key), `an integer from ${least} to ${most}`, value);
    }
    return value;
  }

  /**
   * Of either form.
   * @param {string} key @param {string} range in words. @param {(value: number) => boolean} fits
   */
  number(key, range, fits) {
    const value = numberOf(this.any(key));
    if (value === null || !fits(value)) throw wrong(this.name(key), range, this.any(key));
    return value;
  }

  /**
   * @param {string} key @param {number} count @param {number} least @param {number} most
   * @returns {number[]}
   */
  numbers(key, count, least, most) {
    const values = this.list(key).map(numberOf);
    if (values.length !== count || !values.every((value) => value !== null && value >= least && value <= most)) {
      throw wrong(this.name(key), `${count} numbers from ${least} to ${most}`, this.any(key));
    }
    return /** @type {number[]} */ (values);
  }

  /** A name: 1 to 100 bytes of printable text. @param {string} key */
  text(key) {
    const value = this.string(key);
    if (!isPrintable(value, MAX_TEXT_BYTES)) {
      throw wrong(this.name(key), `1 to ${MAX_TEXT_BYTES} bytes of text without control characters`, value);
    }
    return value;
  }

  /** @param {string} key */
  sha256(key) {
    const value = this.string(key);
    if (value.length !== 64 || /[^0-9a-f]/.test(value)) {
      throw wrong(this.name(key), 'a SHA-256 of 64 lower-case hexadecimal digits', value);
    }
    return value;
  }

  /** @param {string} key @param {readonly string[]} choices */
  oneOf(key, choices) {
    const value = this.string(key);
    if (!choices.includes(value)) throw wrong(this.name(key), `one of ${choices.join(', ')}`, value);
    return value;
  }
}
