/** LiteRT.js, fetched by `make web`, as an engine: bytes of a flatbuffer and an input tensor in, output tensors out. */

import { ADVICE, UserError, quoted } from '../contract/refusal.js';

const FOLDER = new URL('../vendor/litert-2.5.3/', import.meta.url).href;

/** @type {Promise<any> | null} */
let library = null;
/** What the library said beside its exceptions, which seldom tell more than a status. @type {string[]} */
const complaints = [];

/** Why it failed. @param {unknown} error */
function reason(error) {
  const said = complaints.filter((line) => line.startsWith('ERROR')).slice(-2);
  complaints.length = 0;
  return quoted([error instanceof Error ? error.message : String(error), ...said].join('; ').replace(/\s+/g, ' '), 300);
}

/** Loads it once; both forms of its WebAssembly find their files beside them. */
async function load() {
  const wasm = `${FOLDER}wasm/`;
  const printErr = (/** @type {string} */ line) => {
    if (!line.startsWith('INFO')) complaints.push(line);
  };
  /** @type {any} */ (self).Module = { locateFile: (/** @type {string} */ name) => wasm + name, printErr };
  try {
    const module = await import(`${FOLDER}index.js`);
    await module.loadLiteRt(wasm);
    return module;
  } catch (error) {
    library = null;
    throw new UserError('LiteRT.js beside this page', reason(error), 'run make web, and look whether this browser has WebAssembly');
  }
}

export const engineVersion = 'LiteRT.js 2.5.3';

/** The interpreter failed; its worker is not to be used again. */
class EngineFailure extends UserError {
  fatal = true;
}

/** Starts loading, so that it is there when a model comes. */
export function warm() {
  library ??= load();
  return library;
}

/** One compiled model. */
export class Engine {
  /** @param {any} library @param {any} compiled @param {import('./flatbuffer.js').Border} border */
  constructor(library, compiled, border) {
    this.library = library;
    this.compiled = compiled;
    this.border = border;
    this.order = outputOrder(compiled, border);
  }

  /**
   * @param {Uint8Array} flatbuffer @param {import('./flatbuffer.js').Border} border of it, checked.
   * @throws {UserError} where LiteRT.js refuses it.
   */
  static async open(flatbuffer, border) {
    const litert = await warm();
    try {
      return new Engine(litert, await litert.loadAndCompile(flatbuffer, { accelerator: 'wasm' }), border);
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new EngineFailure('a model that LiteRT.js opens', reason(error), ADVICE);
    }
  }

  /**
   * @param {Uint8Array | Float32Array} input values of the input tensor.
   * @returns {Promise<(Uint8Array | Float32Array)[]>} of the output tensors in the model's order.
   */
  async run(input) {
    const tensor = new this.library.Tensor(input, this.border.inputs[0].shape);
    try {
      const results = await this.compiled.run(tensor);
      const values = results.map((/** @type {any} */ result) => result.toTypedArray().slice());
      for (const result of results) result.delete();
      return this.order.map((place) => values[place]);
    } catch (error) {
      throw new EngineFailure('a model that runs', reason(error), 'open the model again');
    } finally {
      tensor.delete();
    }
  }
}

/**
 * Of each output of the graph its place among LiteRT.js's, which has the order of the signature's names.
 * @param {any} compiled @param {import('./flatbuffer.js').Border} border @returns {number[]}
 */
function outputOrder(compiled, border) {
  const details = compiled.getOutputDetails();
  const places = details.map((/** @type {any} */ one, /** @type {number} */ index) => border.signature.get(one.name) ?? index);
  const order = border.outputs.map((_, index) => places.indexOf(index));
  const fits = details.length === order.length && order.every((place, index) => {
    const { dtype, shape } = details[place] ?? {};
    return dtype === border.outputs[index].type && [...shape].join() === border.outputs[index].shape.join();
  });
  if (!fits) throw new UserError('outputs of the graph', 'others from LiteRT.js', ADVICE);
  return order;
}
