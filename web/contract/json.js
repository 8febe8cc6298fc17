/**
 * JSON in which two parsers cannot disagree: RFC 8259, bounded, with every key once (docs/contract.md, "JSON"). JSON.parse takes
 * more: keys twice, halves of surrogate pairs, any depth, and it hides whether a number was written as an integer.
 */

import { Refusal, quoted } from './refusal.js';
import { isUnicode, utf8 } from './text.js';

const MAX_BYTES = 65_536;
const MAX_DEPTH = 16;
const MAX_NUMBER_CHARACTERS = 40;
// Sticky: each matches at one place. Digits are ASCII's alone.
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const FOUR_DIGITS = /[0-9a-fA-F]{4}/y;
/** @type {[string, boolean | null][]} */
const WORDS = [['true', true], ['false', false], ['null', null]];
/** @type {Record<string, string>} */
const ESCAPES = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** A number written with a fraction or an exponent, which an integer never is. */
export class Decimal {
  /** @param {number} value */
  constructor(value) {
    this.value = value;
  }

  toString() {
    return String(this.value);
  }
}

/**
 * The same with all numbers as numbers, which passes from a worker to its page.
 * @param {Json} value @returns {any}
 */
export function plain(value) {
  if (value instanceof Decimal) return value.value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return new Map([...value].map(([key, inside]) => [key, plain(inside)]));
  return value;
}

/** @typedef {null | boolean | number | Decimal | string | any[] | Map<string, any>} Json integers are `number`. */

/**
 * The object that `data` holds. Objects become maps in the text's order.
 * @param {Uint8Array} data @returns {Map<string, Json>} @throws {Refusal} for anything else.
 */
export function parseObject(data) {
  if (data.length > MAX_BYTES) throw new Refusal('json-size', `JSON of up to ${MAX_BYTES} bytes`, `${data.length}`);
  const text = utf8(data);
  if (text === null) throw new Refusal('json-text', 'JSON in UTF-8', 'other bytes');
  checkDepth(text);
  const parser = new Parser(text);
  const value = parser.document();
  if (!(value instanceof Map)) throw new Refusal('json-syntax', 'a JSON object', 'another value');
  if (parser.halfSurrogate) throw new Refusal('json-text', 'strings of Unicode characters', 'half of a surrogate pair');
  return value;
}

/**
 * Before parsing, since the parser recurses: counts brackets outside strings.
 * @param {string} text
 */
function checkDepth(text) {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '"') inString = !inString;
    else if (character === '\\') index += inString ? 1 : 0;
    else if (inString) continue;
    else if (character === ']' || character === '}') depth--;
    else if ((character === '[' || character === '{') && ++depth > MAX_DEPTH) {
      throw new Refusal('json-depth', `objects and arrays up to ${MAX_DEPTH} deep`, 'deeper ones');
    }
  }
}

class Parser {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.halfSurrogate = false;
  }

  document() {
    this.space();
    const value = this.value();
    this.space();
    if (this.at !== this.text.length) throw this.syntax('nothing behind the value');
    return value;
  }

  /** @returns {Json} */
  value() {
    const character = this.peek();
    if (character === '{') return this.object();
    if (character === '[') return this.array();
    if (character === '"') return this.string();
    if (character === '-' || isDigit(character)) return this.number();
    const word = WORDS.find(([name]) => this.text.startsWith(name, this.at));
    if (!word) throw this.syntax('a value');
    this.at += word[0].length;
    return word[1];
  }

  object() {
    /** @type {Map<string, Json>} */
    const result = new Map();
    /** @type {string | null} */
    let twice = null;
    this.at++;
    this.space();
    if (this.peek() === '}') {
      this.at++;
      return result;
    }
    for (;;) {
      if (this.peek() !== '"') throw this.syntax('a key');
      const key = this.string();
      this.space();
      this.expect(':');
      this.space();
      const value = this.value();
      if (result.has(key)) twice ??= key;
      result.set(key, value);
      this.space();
      if (this.peek() === '}') break;
      this.expect(',');
      this.space();
    }
    this.at++;
    if (twice !== null) throw new Refusal('json-duplicate-key', 'every key of an object once', `${quoted(twice)} twice`);
    return result;
  }

  array() {
    /** @type {Json[]} */
    const result = [];
    this.at++;
    this.space();
    if (this.peek() === ']') {
      this.at++;
      return result;
    }
    for (;;) {
      result.push(this.value());
      this.space();
      if (this.peek() === ']') break;
      this.expect(',');
      this.space();
    }
    this.at++;
    return result;
  }

  string() {
    let result = '';
    this.at++;
    for (;;) {
      const character = this.peek();
      if (character === '"') break;
      if (character < ' ') throw this.syntax('a closing quotation mark');
      this.at++;
      result += character === '\\' ? this.escape() : character;
    }
    this.at++;
    if (!isUnicode(result)) this.halfSurrogate = true;
    return result;
  }

  escape() {
    const letter = this.peek();
    if (letter !== 'u') {
      if (!Object.hasOwn(ESCAPES, letter)) throw this.syntax('an escape');
      this.at++;
      return ESCAPES[letter];
    }
    FOUR_DIGITS.lastIndex = this.at + 1;
    const digits = FOUR_DIGITS.exec(this.text);
    if (!digits) throw this.syntax('four hexadecimal digits');
    this.at += 5;
    return String.fromCharCode(parseInt(digits[0], 16));
  }

  number() {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text);
    if (!found) throw this.syntax('a digit');
    this.at += found[0].length;
    const value = Number(found[0]);
    if (found[0].length <= MAX_NUMBER_CHARACTERS) {
      if (found[1] !== undefined || found[2] !== undefined) {
        if (Number.isFinite(value)) return new Decimal(value);
      } else if (Number.isSafeInteger(value)) {
        return value + 0; // an integer has no -0
      }
    }
    const expected = `numbers of up to ${MAX_NUMBER_CHARACTERS} characters, finite, integers up to 2**53 - 1`;
    throw new Refusal('json-number', expected, found[0].slice(0, 50));
  }

  /** The character at the place; U+0000, which stands nowhere in JSON, at the end. */
  peek() {
    return this.at < this.text.length ? this.text[this.at] : '\0';
  }

  /** @param {string} character */
  expect(character) {
    if (this.peek() !== character) throw this.syntax(`'${character}'`);
    this.at++;
  }

  space() {
    while (' \t\n\r'.includes(this.peek())) this.at++;
  }

  /** @param {string} expected */
  syntax(expected) {
    const what = this.at < this.text.length ? quoted(this.peek()) : 'the end';
    return new Refusal('json-syntax', `JSON as RFC 8259 defines it: ${expected}`, `${what} at character ${this.at}`);
  }
}

/** @param {string} character */
const isDigit = (character) => character >= '0' && character <= '9';
