/** The page: which model, which picture, and what becomes of both. */

import { palette } from '../answer/palette.js';
import { checkFileSize } from '../contract/model_file.js';
import { UserError } from '../contract/refusal.js';
import { Client } from '../engine/client.js';
import { showAnswer } from './answer_view.js';
import { Camera } from './camera.js';
import { showContract } from './contract_view.js';
import { draw } from './draw.js';
import { byId, make } from './elements.js';
import { openPicture, pixelsOf } from './picture.js';
import { shippedModels, startOffline } from './shipped.js';

/** Of the model that is open; to begin with it waits for one. */
let client = new Client();
const camera = new Camera();
/** @type {import('./contract_view.js').Opened | null} */
let opened = null;
/** @type {import('./picture.js').Picture | null} */
let picture = null;
/** Of a model in whose place another one came: nobody reads it. */
const gone = new UserError('this model', 'another one', 'ask again');

/** What goes on, one of a kind: the newer takes the older one's place, whose end is dropped. @type {Map<string, {text: string}>} */
const going = new Map();

/** Says what goes on, or what the page waits for. */
function showState() {
  const waits = opened === null ? 'Choose a model.' : picture === null && !camera.running ? 'Choose a picture.' : '';
  byId('state').textContent = [...going.values()].at(-1)?.text ?? waits;
}

/**
 * Runs one thing that the user asked for.
 * @param {string} kind @param {string} text @param {(current: () => boolean) => Promise<void>} work
 */
async function begin(kind, text, work) {
  const own = { text };
  const current = () => going.get(kind) === own;
  going.delete(kind);
  going.set(kind, own);
  byId('trouble').hidden = true;
  showState();
  try {
    await work(current);
  } catch (error) {
    if (current()) fail(error);
  }
  if (current()) going.delete(kind);
  showState();
}

/** @param {unknown} error one sentence for the user; anything else is a mistake of this page, and goes to the console too. */
function fail(error) {
  const known = error instanceof Error && ['Refusal', 'UserError'].includes(error.name);
  if (!known) console.error(error);
  byId('trouble').textContent = known ? /** @type {Error} */ (error).message : `This page failed: ${error}`;
  byId('trouble').hidden = false;
  if (opened === null || client.running) return;
  opened = null; // it failed with its worker
  byId('contract').hidden = true;
  byId('shipped').value = '';
}

/** @param {string} name @param {() => Promise<ArrayBuffer>} reading */
const openModel = (name, reading) => begin('model', `Opening ${name} …`, async (current) => {
  const data = await reading();
  if (!current()) return;
  // Each model has a worker of its own, and the one before answers until the new one is there.
  const own = opened === null ? client : new Client();
  /** @type {import('./contract_view.js').Opened} */
  const next = await own.call('open', data, [data]).catch((error) => {
    if (own !== client) own.stop(gone);
    throw error;
  });
  if (!current()) {
    if (own !== client) own.stop(gone);
    return;
  }
  if (own !== client) client.stop(gone);
  [client, opened] = [own, next];
  showContract({ facts: byId('facts'), labels: byId('labels'), source: byId('source') }, next);
  byId('contract').hidden = false;
  byId('self-test-result').textContent = '';
  void answerPicture();
});

/** @param {Blob} file */
const choosePicture = (file) => begin('picture', 'Opening the picture …', async (current) => {
  stopCamera();
  const next = await openPicture(file);
  if (!current()) return;
  picture = next;
  void answerPicture();
});

const answerPicture = () => begin('answer', 'Answering …', async (current) => {
  if (picture === null || opened === null) return;
  const { image, bitmap, halved } = picture;
  const model = opened;
  const answer = await client.call('answer', image);
  if (!current()) return;
  const note = `The browser made this picture ${2 ** halved} times smaller first: ${image.width} × ${image.height}.`;
  show(model, bitmap, image.width, image.height, answer, halved ? [note] : []);
});

/**
 * @param {import('./contract_view.js').Opened} model @param {CanvasImageSource} source @param {number} width @param {number} height
 * @param {import('../engine/image_model.js').Answer} answer @param {string[]} notes
 */
function show(model, source, width, height, answer, notes) {
  const colours = palette(model.contract);
  byId('answer').hidden = false;
  draw(byId('picture'), source, width, height, answer, colours);
  showAnswer(byId('said'), answer, colours, notes);
}

/** Starts or stops the camera. */
const toggleCamera = () => begin('picture', 'Starting the camera …', async () => {
  if (camera.wanted) return stopCamera();
  if (!await camera.start()) return;
  byId('camera').setAttribute('aria-pressed', 'true');
  byId('camera').textContent = 'Stop the camera';
  // A screen reader would read every frame.
  byId('said').setAttribute('aria-live', 'off');
  picture = null;
  let shown = performance.now();
  void camera.frames(async (video) => {
    const model = opened;
    if (model === null) return;
    const frame = await createImageBitmap(video);
    const image = pixelsOf(frame, frame.width, frame.height);
    const answer = await client.call('answer', image, [image.pixels.buffer]).catch((error) => {
      if (error !== gone) throw error;
    });
    if (!answer || !camera.running || model !== opened) return;
    const now = performance.now();
    show(model, frame, frame.width, frame.height, answer, [`${(1000 / (now - shown)).toFixed(1)} pictures a second`]);
    shown = now;
    frame.close();
  }, (error) => {
    stopCamera();
    fail(error);
    showState();
  });
});

function stopCamera() {
  camera.stop();
  byId('camera').setAttribute('aria-pressed', 'false');
  byId('camera').textContent = 'Use the camera';
  byId('said').setAttribute('aria-live', 'polite');
}

const runSelfTest = () => begin('self-test', 'Comparing …', async () => {
  const results = await client.call('selfTest');
  const passed = results.filter((/** @type {any} */ one) => one.passed).length;
  const differences = results.map((/** @type {any} */ one) => `${one.name}: ${one.difference} of ${one.allowed} allowed`).join('; ');
  byId('self-test-result').textContent = `${passed} of ${results.length} golden vectors agree. ${differences}`;
});

/** A file that was chosen as a model is one, whatever its name. @param {File} file */
const takeModel = (file) => {
  byId('shipped').value = '';
  return openModel(file.name, async () => {
    checkFileSize(file.size);
    return file.arrayBuffer();
  });
};

/** What was dropped: a model by its name, anything else a picture. @param {File} file */
const take = (file) => (file.name.toLowerCase().endsWith('.tflite') ? takeModel(file) : choosePicture(file));

function listen() {
  byId('choices').addEventListener('submit', (/** @type {Event} */ event) => event.preventDefault());
  for (const id of ['model-file', 'picture-file']) {
    byId(id).addEventListener('change', (/** @type {any} */ event) => {
      if (event.target.files[0]) void (id === 'model-file' ? takeModel : choosePicture)(event.target.files[0]);
    });
  }
  byId('shipped').addEventListener('change', (/** @type {any} */ { target }) => {
    if (target.value) void openModel(target.selectedOptions[0].text, () => read(target.value));
  });
  byId('camera').addEventListener('click', toggleCamera);
  byId('self-test').addEventListener('click', runSelfTest);
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dropping');
  });
  document.addEventListener('dragleave', () => document.body.classList.remove('dropping'));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dropping');
    for (const file of event.dataTransfer?.files ?? []) void take(file);
  });
}

/** @param {string} address */
async function read(address) {
  const response = await fetch(address).catch(() => null);
  if (!response?.ok) throw new UserError('that model beside this page', 'none', 'run make web, or open a file of yours');
  return response.arrayBuffer();
}

listen();
await startOffline();
void begin('model', 'Loading …', async (current) => {
  const names = await shippedModels('models');
  byId('shipped').append(...names.map(({ name, address }) => make('option', { value: address }, name)));
  await client.call('warm');
  if (names.length === 0 || !current()) return;
  byId('shipped').value = names[0].address;
  void openModel(names[0].name, () => read(names[0].address));
});
