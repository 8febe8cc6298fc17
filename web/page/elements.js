/** Elements of the page, made and found. Text is set as text: a label is never markup. */

/** @param {string} id @returns {any} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element ${id}`);
  return element;
}

/**
 * @param {string} name @param {Record<string, string>} [attributes] @param {(Node | string)[]} children
 * @returns {HTMLElement}
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A stranger's text, whose direction leaves that of the text around it alone. @param {string} text */
export const foreign = (text) => make('bdi', {}, text);

/** @param {number} share 0 to 1. @param {number} [digits] */
export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

/** A square of a class's colour. @param {number[]} colour */
export function swatch(colour) {
  const square = make('span', { class: 'swatch', 'aria-hidden': 'true' });
  square.style.backgroundColor = `rgb(${colour.join(' ')})`;
  return square;
}
