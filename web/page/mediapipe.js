/** The page of the second engine: a model, a picture, and what MediaPipe says of them. */

import { areas } from '../answer/class_map.js';
import { palette } from '../answer/palette.js';
import { checkFileSize, readModelFile } from '../contract/model_file.js';
import { UserError } from '../contract/refusal.js';
import { MediaPipeModel, mediaPipeVersion } from '../engine/mediapipe.js';
import { showAnswer } from './answer_view.js';
import { draw } from './draw.js';
import { byId, make } from './elements.js';
import { openPicture } from './picture.js';
import { shippedModels } from './shipped.js';

/** @type {{model: MediaPipeModel, contract: import('../contract/contract.js').Contract} | null} */
let opened = null;
/** @type {import('./picture.js').Picture | null} */
let picture = null;
/** One thing after the other: the library runs here, not in a worker. */
let before = Promise.resolve();

/** @param {string} text @param {() => Promise<void>} work */
function begin(text, work) {
  before = before.then(async () => {
    byId('trouble').hidden = true;
    byId('state').textContent = text;
    try {
      await work();
      if (opened && picture) answer();
    } catch (error) {
      const known = error instanceof Error && ['Refusal', 'UserError'].includes(error.name);
      if (!known) console.error(error);
      byId('trouble').textContent = known ? /** @type {Error} */ (error).message : `This page failed: ${error}`;
      byId('trouble').hidden = false;
    }
    byId('state').textContent = opened === null ? 'Choose a model.' : picture === null ? 'Choose a picture.' : '';
  });
}

/** @param {() => Promise<ArrayBuffer>} reading */
const openModel = (reading) => begin('Opening the model …', async () => {
  const data = new Uint8Array(await reading());
  // A file that is whole, and which task it is for; all else MediaPipe finds in its own metadata.
  const { contract, labels } = readModelFile(data);
  if (contract === null) throw new UserError('a model file with a contract', 'one without', 'make it with: tformer convert MODEL --for mediapipe');
  const model = await MediaPipeModel.open(data, contract.task, labels);
  opened?.model.close();
  opened = { model, contract };
});

function answer() {
  const { model, contract } = /** @type {NonNullable<typeof opened>} */ (opened);
  const { image, bitmap } = /** @type {NonNullable<typeof picture>} */ (picture);
  const start = performance.now();
  const found = model.answer(bitmap);
  const milliseconds = { prepare: 0, run: performance.now() - start, read: 0 };
  const named = found.map && areas(found.map.classes, contract.labelCount).map((one) => ({ ...one, label: model.labels[one.index] }));
  const said = { ...found, task: contract.task, sure: true, areas: named, milliseconds };
  byId('answer').hidden = false;
  draw(byId('picture'), bitmap, image.width, image.height, said, palette(contract));
  showAnswer(byId('said'), said, palette(contract), [`By ${mediaPipeVersion}, which resizes and suppresses boxes by rules of its own.`]);
}

byId('choices').addEventListener('submit', (/** @type {Event} */ event) => event.preventDefault());
byId('model-file').addEventListener('change', (/** @type {any} */ { target: { files: [file] } }) => {
  if (!file) return;
  byId('shipped').value = '';
  openModel(async () => {
    checkFileSize(file.size);
    return file.arrayBuffer();
  });
});
byId('shipped').addEventListener('change', (/** @type {any} */ { target: { value } }) => {
  if (!value) return;
  openModel(async () => {
    const response = await fetch(value).catch(() => null);
    if (!response?.ok) throw new UserError('that model beside this page', 'none', 'run make web, or open a file of yours');
    return response.arrayBuffer();
  });
});
byId('picture-file').addEventListener('change', (/** @type {any} */ { target: { files: [file] } }) => {
  if (!file) return;
  begin('Opening the picture …', async () => {
    picture = await openPicture(file);
  });
});
byId('state').textContent = 'Choose a model.';
for (const { name, address } of await shippedModels('models/for_mediapipe')) {
  byId('shipped').append(make('option', { value: address }, name));
}
