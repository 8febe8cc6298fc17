/** What a worker does: one model, opened from a whole file, answers pictures. */

import { plain } from '../contract/json.js';
import { readModelFile } from '../contract/model_file.js';
import { ImageModel } from './image_model.js';
import { engineVersion, warm } from './litert.js';
import { selfTest } from './self_test.js';

/** @type {ImageModel | null} */
let model = null;

function opened() {
  if (model === null) throw new Error('no model is open');
  return model;
}

/** @type {Record<string, (argument: any) => Promise<any>>} */
export const commands = {
  /** Loads the engine beforehand. */
  warm: async () => {
    await warm();
    return engineVersion;
  },

  /** @param {ArrayBuffer} data a whole file. @returns the contract and its labels. */
  open: async (data) => {
    const file = readModelFile(new Uint8Array(data));
    model = await ImageModel.open(file);
    const { source, accuracy, versions, ...contract } = model.contract;
    const free = { source: plain(source), accuracy: plain(accuracy), versions: plain(versions) };
    return { contract: { ...contract, ...free }, labels: file.labels, bytes: data.byteLength };
  },

  /** @param {import('../input/resize.js').RgbImage} image */
  answer: (image) => opened().answer(image),

  /** Values of the output tensors, for tests. @param {import('../input/resize.js').RgbImage} image */
  outputs: (image) => opened().outputs(image),

  selfTest: () => selfTest(opened()),
};
