/** Runs in the worker: answers the page's calls, one after the other. */

import { commands } from './session.js';

/** @typedef {{id: number, command: string, argument: unknown}} Call */

let before = Promise.resolve();

/** @param {MessageEvent<Call>[]} early what came while this module was loaded. */
export function serve(early) {
  const take = (/** @type {MessageEvent<Call>} */ { data }) => {
    before = before.then(() => answer(data));
  };
  self.onmessage = take;
  early.forEach(take);
}

/** @param {Call} call */
async function answer({ id, command, argument }) {
  try {
    const result = await commands[command](argument);
    self.postMessage({ id, result }, { transfer: transferable(result) });
  } catch (error) {
    const known = /** @type {any} */ (error instanceof Error ? error : new Error(String(error)));
    const { message, name, rule, fatal } = known;
    self.postMessage({ id, error: { message, name, rule, fatal } });
  }
}

/** A class map may have as many values as the picture has pixels. @param {any} result */
const transferable = (result) => (result?.map?.classes ? [result.map.classes.buffer] : []);
