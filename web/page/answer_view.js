/** An answer in words: the labels, objects or areas, and how long each part took. */

import { foreign, make, percent, swatch } from './elements.js';

const SHOWN = 5;
const MAX_OBJECTS = 50;

/**
 * @param {HTMLElement} place @param {import('../engine/image_model.js').Answer} answer
 * @param {number[][]} colours of each class. @param {string[]} notes on the picture.
 */
export function showAnswer(place, answer, colours, notes) {
  const lines = answer.top ? labels(answer) : answer.objects ? objects(answer.objects, colours) : areas(answer.areas ?? [], colours);
  const { prepare, run, read } = answer.milliseconds;
  const times = `${(prepare + run + read).toFixed(1)} ms: ${prepare.toFixed(1)} prepare, ${run.toFixed(1)} model, ${read.toFixed(1)} read`;
  place.replaceChildren(...lines, make('p', { class: 'times' }, times), ...notes.map((note) => make('p', { class: 'times' }, note)));
}

/** @param {import('../engine/image_model.js').Answer} answer */
function labels({ top = [], sure }) {
  const verdict = make('p', { class: 'verdict' }, ...(sure ? [foreign(top[0].label)] : ['Not sure; perhaps ', foreign(top[0].label)]));
  const list = make('ol', {}, ...top.slice(0, SHOWN).map(({ label, probability }) => {
    const meter = make('meter', { min: '0', max: '1', value: String(probability), 'aria-hidden': 'true' });
    return make('li', {}, foreign(label), make('span', { class: 'share' }, percent(probability)), meter);
  }));
  return [verdict, list];
}

/** @param {import('../engine/image_model.js').Found[]} found @param {number[][]} colours */
function objects(found, colours) {
  const counts = new Map();
  for (const { label } of found) counts.set(label, (counts.get(label) ?? 0) + 1);
  const parts = [...counts].sort((one, other) => other[1] - one[1]).flatMap(([label, count], n) => [`${n ? ', ' : ''}${count} × `, foreign(label)]);
  const verdict = make('p', { class: 'verdict' }, ...(found.length ? parts : ['Nothing found']));
  const shown = found.slice(0, MAX_OBJECTS).map((one) => line(one, colours, percent(one.score, 0)));
  const rest = found.length - shown.length;
  return [verdict, make('ol', {}, ...shown), ...(rest > 0 ? [make('p', {}, `and ${rest} more`)] : [])];
}

/** @param {import('../engine/image_model.js').Area[]} found @param {number[][]} colours */
function areas(found, colours) {
  if (found.length === 0) return [make('p', { class: 'verdict' }, 'Nothing of the picture is seen')];
  return [make('p', { class: 'verdict' }, 'Mostly ', foreign(found[0].label)), make('ol', {}, ...found.map((one) => line(one, colours, percent(one.share))))];
}

/** @param {{index: number, label: string}} one @param {number[][]} colours @param {string} share */
function line({ index, label }, colours, share) {
  return make('li', {}, make('span', {}, swatch(colours[index]), foreign(label)), make('span', { class: 'share' }, share));
}
