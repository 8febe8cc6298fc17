/**
 * MediaPipe Tasks, fetched by `make web`, as a second engine: it knows nothing of contracts, and opens files of
 * `tformer convert --for mediapipe` by their TFLite Metadata alone. It posts what it was used for to its makers; the page's content
 * security policy stops that.
 */

import { UserError, quoted } from '../contract/refusal.js';

const FOLDER = new URL('../vendor/tasks-vision-1.1.0/', import.meta.url).href;
// Without one MediaPipe gives hundreds of boxes; this is what our detectors' contracts have.
const SCORE_THRESHOLD = 0.3;
export const mediaPipeVersion = 'MediaPipe Tasks 1.1.0';

/**
 * @typedef {object} MediaPipeAnswer
 * @property {import('./image_model.js').Ranked[]} [top] @property {import('./image_model.js').Found[]} [objects]
 * @property {import('./image_model.js').SeenClasses} [map]
 */

export class MediaPipeModel {
  /** @param {any} runner @param {'classification' | 'detection' | 'segmentation'} task @param {string[]} labels */
  constructor(runner, task, labels) {
    this.runner = runner;
    this.task = task;
    this.labels = labels;
  }

  /**
   * @param {Uint8Array} data a whole file. @param {'classification' | 'detection' | 'segmentation'} task @param {string[]} labels
   * @throws {UserError} where MediaPipe refuses it.
   */
  static async open(data, task, labels) {
    try {
      const library = await import(`${FOLDER}vision_bundle.mjs`);
      const wasm = `${FOLDER}wasm/vision_wasm_internal`;
      const files = { wasmLoaderPath: `${wasm}.js`, wasmBinaryPath: `${wasm}.wasm` };
      const options = { baseOptions: { modelAssetBuffer: data, delegate: 'CPU' }, runningMode: 'IMAGE' };
      const kinds = {
        classification: () => library.ImageClassifier.createFromOptions(files, options),
        detection: () => library.ObjectDetector.createFromOptions(files, { ...options, scoreThreshold: SCORE_THRESHOLD }),
        segmentation: () => library.ImageSegmenter.createFromOptions(files, { ...options, outputConfidenceMasks: true }),
      };
      return new MediaPipeModel(await kinds[task](), task, labels);
    } catch (error) {
      const advice = 'make the file with: tformer convert MODEL --for mediapipe';
      throw new UserError('a model that MediaPipe opens', quoted(error instanceof Error ? error.message : String(error), 200), advice);
    }
  }

  /** @param {ImageBitmap} bitmap @returns {MediaPipeAnswer} */
  answer(bitmap) {
    const index = (/** @type {any} */ one) => (one.index >= 0 ? one.index : this.labels.indexOf(one.categoryName));
    if (this.task === 'classification') {
      const { categories } = this.runner.classify(bitmap).classifications[0];
      return {
        top: categories.map((/** @type {any} */ one) => ({ index: index(one), label: one.categoryName, score: one.score, probability: one.score })),
      };
    }
    if (this.task === 'detection') {
      return {
        objects: this.runner.detect(bitmap).detections.map((/** @type {any} */ { categories, boundingBox: box }) => {
          // All labels that exceed the threshold there.
          const [one] = categories.sort((/** @type {any} */ a, /** @type {any} */ b) => b.score - a.score);
          return {
            index: index(one),
            label: one.categoryName,
            score: one.score,
            box: [box.originX, box.originY, box.originX + box.width, box.originY + box.height],
          };
        }),
      };
    }
    return { map: highest(this.runner.segment(bitmap).confidenceMasks) };
  }

  close() {
    this.runner.close();
  }
}

/**
 * The class with the highest confidence of each pixel, of equal ones the lower. (MediaPipe's own map of classes is chosen before it
 * is enlarged, in blocks.)
 * @param {any[]} masks one a class, of the picture's size; closed here. @returns {import('./image_model.js').SeenClasses}
 */
function highest(masks) {
  const [{ height, width }] = masks;
  const classes = new Uint16Array(height * width);
  const best = new Float32Array(height * width).fill(-1);
  masks.forEach((mask, label) => {
    mask.getAsFloat32Array().forEach((/** @type {number} */ value, /** @type {number} */ at) => {
      if (value <= best[at]) return;
      best[at] = value;
      classes[at] = label;
    });
    mask.close();
  });
  return { top: 0, left: 0, height, width, classes };
}
