/** What a model file says of itself. */

import { foreign, make, percent } from './elements.js';

const MAX_LABELS = 1000;

/**
 * @typedef {{contract: import('../contract/contract.js').Contract, labels: string[], bytes: number}} Opened
 * @param {{facts: HTMLElement, labels: HTMLElement, source: HTMLElement}} places @param {Opened} opened
 */
export function showContract(places, { contract, labels, bytes }) {
  const facts = [
    ['Name', [foreign(contract.name)]],
    ['Task', [contract.task]],
    ['File', [`${bytes.toLocaleString('en')} bytes, of which ${contract.flatbufferBytes.toLocaleString('en')} the model; format ${contract.format}`]],
    ['Input', [input(contract)]],
    ['Output', [`${contract.outputType}, ${contract.outputMeaning}${contract.outputs.length > 1 ? `, ${contract.outputs.length} maps` : ''}`]],
    ...(contract.task === 'segmentation' ? [] : [['Sure', [certainty(contract)]]]),
    ['Measured', [measured(contract.accuracy)]],
    ['Golden vectors', [`${contract.golden.length}`]],
    ['SHA-256 of the model', [make('code', {}, contract.flatbufferSha256)]],
    ['Made by', list([...contract.versions].map(([key, value]) => `${key} ${value}`))],
  ];
  places.facts.replaceChildren(...facts.flatMap(([name, value]) => [make('dt', {}, /** @type {string} */ (name)), make('dd', {}, ...value)]));
  const shown = labels.slice(0, MAX_LABELS).map((label) => make('li', {}, foreign(label)));
  places.labels.replaceChildren(...shown, ...(labels.length > MAX_LABELS ? [make('li', {}, `and ${labels.length - MAX_LABELS} more`)] : []));
  places.source.textContent = JSON.stringify(contract.source, (_, value) => (value instanceof Map ? Object.fromEntries(value) : value), 2);
}

/** @param {import('../contract/contract.js').Contract} contract */
function input({ batch, inputType, preprocessing: rule }) {
  const size = `${rule.height} × ${rule.width} ${rule.channels === 1 ? 'grey' : 'RGB'}, ${inputType}${batch > 1 ? `, batch of ${batch}` : ''}`;
  const crop = rule.resize === 'shorter' && rule.cropFraction < 1 ? `, crop ${rule.cropFraction}` : '';
  const encoding = rule.rawPixels ? 'raw pixels' : `mean ${rounded(rule.mean)}, std ${rounded(rule.std)}`;
  return `${size}; resize “${rule.resize}”${crop}; ${encoding}`;
}

/** @param {number[]} values */
const rounded = (values) => values.map((value) => Number(value.toPrecision(4))).join(' ');

/** @param {import('../contract/contract.js').Contract} contract */
function certainty({ task, certainty: rule, detection }) {
  if (detection) return `from a score over ${detection.scoreThreshold}; boxes overlap by up to ${detection.iouThreshold}`;
  if (task !== 'classification' || rule === null) return 'always: nobody measured when not';
  return `from a probability of ${percent(rule.notSureBelow)} on, at temperature ${rule.temperature.toFixed(3)}`;
}

/** @param {Map<string, unknown> | null} accuracy */
function measured(accuracy) {
  const numbers = [...(accuracy ?? [])].filter(([, value]) => typeof value === 'number' || typeof value === 'string');
  return numbers.map(([key, value]) => `${key} ${value}`).join(', ') || 'nothing';
}

/** @param {string[]} texts @returns {Node[]} */
function list(texts) {
  return texts.flatMap((text, index) => [document.createTextNode(index ? ', ' : ''), foreign(text)]);
}
