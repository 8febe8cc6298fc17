/** What is wrong with a file, a picture or a machine, always as one sentence for the user. */

export const ADVICE = 'copy the file again, or make it again with converters/to_tflite.py';

/** A model file, or a part of one, that is not what docs/contract.md asks for. */
export class Refusal extends Error {
  /**
   * @param {string} rule the name of the broken rule in docs/contract.md, the same in every language.
   * @param {string} expected what should have been there. @param {string} received what was. @param {string} [advice] what to do.
   */
  constructor(rule, expected, received, advice = ADVICE) {
    super(`Expected ${expected}, received ${received}; ${advice}.`);
    this.name = 'Refusal';
    this.rule = rule;
  }
}

/** A sound file that this page cannot use, a model without an answer, a picture that does not open, a machine that lacks something. */
export class UserError extends Error {
  /** @param {string} expected as of a {@link Refusal}. @param {string} received @param {string} advice */
  constructor(expected, received, advice) {
    super(`Expected ${expected}, received ${received}; ${advice}.`);
    this.name = 'UserError';
  }
}

/**
 * A refusal of the rule `contract-field`.
 * @param {string} name of the field. @param {string} expected @param {unknown} received
 */
export function wrong(name, expected, received) {
  return new Refusal('contract-field', `${name} of model.json to be ${expected}`, quoted(shown(received)));
}

/** @param {unknown} value of a parsed `model.json`. */
function shown(value) {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Map) return 'an object';
  return String(value);
}

/**
 * A stranger's text for a message: in quotes, at most `most` characters, those that would not print written as `\u….`
 * @param {string} text @param {number} [most]
 */
export function quoted(text, most = 80) {
  let result = "'";
  for (const character of text.slice(0, most)) {
    const code = character.charCodeAt(0);
    const hidden = isForbidden(code) || (character.length === 1 && code >= 0xd800 && code <= 0xdfff);
    result += hidden ? `\\u${code.toString(16).padStart(4, '0')}` : character;
  }
  return `${result}${text.length > most ? '…' : ''}'`;
}

/**
 * Control characters, line and paragraph separators, the byte order mark, and marks that turn the direction of the text around
 * them: a name must not change how the text beside it reads.
 * @param {number} code of a UTF-16 unit.
 */
export function isForbidden(code) {
  return (
    code <= 0x1f || (code >= 0x7f && code <= 0x9f) || code === 0x2028 || code === 0x2029 ||
    (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code === 0xfeff
  );
}
