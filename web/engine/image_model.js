/** A model file that answers pictures: prepares them, runs the engine, reads what it gave, and times all three. */

import { areas, classMap } from '../answer/class_map.js';
import { detect } from '../answer/detections.js';
import { sigmoid } from '../answer/exponential.js';
import { Frame } from '../answer/frame.js';
import { rank } from '../answer/ranking.js';
import { UserError } from '../contract/refusal.js';
import { inputPixels } from '../input/input_pixels.js';
import { InputTensor } from '../input/input_tensor.js';
import { readBorder } from './flatbuffer.js';
import { Engine } from './litert.js';
import { checkTensors } from './tensor_check.js';

/**
 * @typedef {{index: number, label: string, score: number, probability: number}} Ranked
 * @typedef {{index: number, label: string, score: number, box: number[]}} Found box: left, top, right, bottom in the picture's pixels.
 * @typedef {{index: number, label: string, pixels: number, share: number}} Area
 * @typedef {{top: number, left: number, height: number, width: number, classes: Uint16Array}} SeenClasses of the part that the
 * model sees whole.
 *
 * @typedef {object} Answer
 * @property {'classification' | 'detection' | 'segmentation'} task
 * @property {boolean} [sure] @property {Ranked[]} [top] all labels of a classifier, the best first.
 * @property {Found[]} [objects] of a detector, the best first.
 * @property {Area[]} [areas] of a segmenter, the largest first. @property {SeenClasses} [map]
 * @property {{prepare: number, run: number, read: number}} milliseconds
 */

export class ImageModel {
  /** @param {import('../contract/model_file.js').ModelFile} file @param {Engine} engine @param {import('./flatbuffer.js').Border} border */
  constructor(file, engine, border) {
    this.file = file;
    this.contract = /** @type {import('../contract/contract.js').Contract} */ (file.contract);
    this.engine = engine;
    this.infos = border.outputs;
    this.tensor = new InputTensor(this.contract.preprocessing, border.inputs[0]);
  }

  /**
   * @param {import('../contract/model_file.js').ModelFile} file
   * @throws {UserError} for a file without a contract, and where its tensors are not the contract's.
   */
  static async open(file) {
    if (file.contract === null) {
      const advice = 'convert it with converters/to_tflite.py, which adds it';
      throw new UserError('a model file with a contract', 'one without', advice);
    }
    const border = readBorder(file.flatbuffer);
    checkTensors(file.contract, border);
    return new ImageModel(file, await Engine.open(file.flatbuffer, border), border);
  }

  /**
   * All values of the output tensors, of the whole batch, for a picture.
   * @param {import('../input/resize.js').RgbImage} image
   */
  async outputs(image) {
    return this.engine.run(/** @type {any} */ (this.tensor.of(inputPixels(this.contract.preprocessing, image))));
  }

  /** @param {import('../input/resize.js').RgbImage} image @returns {Promise<Answer>} */
  async answer(image) {
    const start = performance.now();
    const input = this.tensor.of(inputPixels(this.contract.preprocessing, image));
    const prepared = performance.now();
    const outputs = await this.engine.run(/** @type {any} */ (input));
    const ran = performance.now();
    const answer = this.read(outputs, image.height, image.width);
    const milliseconds = { prepare: prepared - start, run: ran - prepared, read: performance.now() - ran };
    return { ...answer, task: this.contract.task, milliseconds };
  }

  /**
   * What outputs say of a picture of that size.
   * @param {import('../answer/detections.js').Values[]} outputs @param {number} height @param {number} width
   */
  read(outputs, height, width) {
    const { contract } = this;
    const { labels } = this.file;
    if (contract.task === 'classification') {
      // The first image of the batch.
      const values = outputs[0].subarray(0, contract.labelCount);
      const { order, scores, probabilities, sure } = rank(values, this.infos[0], contract.outputMeaning, contract.certainty);
      return { sure, top: order.map((index) => ({ index, label: labels[index], score: scores[index], probability: probabilities[index] })) };
    }
    const frame = new Frame(contract.preprocessing, height, width);
    if (contract.task === 'detection') {
      const rule = /** @type {import('../contract/outputs.js').DetectionRule} */ (contract.detection);
      const found = detect(contract, this.infos, outputs, 0, rule.scoreThreshold);
      return {
        objects: found.map(({ label, logit, box }) => (
          { index: label, label: labels[label], score: sigmoid(logit), box: frame.toPicture(box) })),
      };
    }
    const [, rows, columns, classes] = this.infos[0].shape;
    const map = { values: outputs[0].subarray(0, rows * columns * classes), rows, columns, classes };
    const { seen } = frame;
    const shown = seen.height > 0 && seen.width > 0;
    const found = shown ? classMap(map, seen.height, seen.width, frame.window(rows, columns)) : new Uint16Array(0);
    return {
      map: { ...seen, classes: found },
      areas: areas(found, classes).map((area) => ({ ...area, label: labels[area.index] })),
    };
  }
}
