/**
 * The page's side of the worker in which one model runs. A stranger's flatbuffer can crash or stall an interpreter: that ends its
 * worker, never the page or another model, and what was asked of it fails with a sentence.
 */

import { UserError } from '../contract/refusal.js';

const SECONDS = 120;

/** @typedef {{resolve: (value: any) => void, reject: (reason: Error) => void, timer: number}} Waiting */

export class Client {
  constructor() {
    /** @type {Map<number, Waiting>} */
    this.waiting = new Map();
    this.next = 0;
    /** @type {Worker | null} */
    this.worker = null;
  }

  /**
   * A worker made of a blob inherits this page's content security policy; one made of an address would have none.
   * @returns {Worker}
   */
  start() {
    const address = JSON.stringify(new URL('./worker.js', import.meta.url).href);
    // Calls that come while the module is loaded wait. What fails here is thrown again outside, so that the page hears of it.
    const script = `const early = [];
      self.onmessage = (event) => early.push(event);
      import(${address}).then((module) => module.serve(early)).catch((error) => setTimeout(() => { throw error; }));`;
    const blob = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
    const worker = new Worker(blob);
    worker.onmessage = ({ data: { id, result, error } }) => {
      const one = this.waiting.get(id);
      if (!one) return;
      this.waiting.delete(id);
      clearTimeout(one.timer);
      if (!error) return one.resolve(result);
      const failure = Object.assign(new Error(error.message), { name: error.name, rule: error.rule });
      one.reject(failure);
      // What an interpreter that failed would do next is anybody's guess.
      if (error.fatal) this.stop(failure);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.stop(new UserError('a model that runs', 'one that ended its worker', 'choose another model'));
    };
    return worker;
  }

  /**
   * @param {string} command of engine/session.js. @param {unknown} [argument] @param {Transferable[]} [transfer]
   * @returns {Promise<any>}
   */
  call(command, argument, transfer = []) {
    this.worker ??= this.start();
    const { worker } = this;
    const id = this.next++;
    return new Promise((resolve, reject) => {
      const late = () => this.stop(new UserError(`a model that answers within ${SECONDS} seconds`, 'none', 'choose another model'));
      this.waiting.set(id, { resolve, reject, timer: setTimeout(late, 1000 * SECONDS) });
      worker.postMessage({ id, command, argument }, transfer);
    });
  }

  get running() {
    return this.worker !== null;
  }

  /** Ends the worker; the next call starts another one, without a model. @param {Error} reason of those who wait. */
  stop(reason) {
    this.worker?.terminate();
    this.worker = null;
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(reason);
    }
    this.waiting.clear();
  }
}
