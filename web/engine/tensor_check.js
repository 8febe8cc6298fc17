/** Compares a flatbuffer's tensors with the contract's, before the first run, and with what LiteRT.js takes. */

import { outputShapes } from '../contract/model_file.js';
import { ADVICE, UserError } from '../contract/refusal.js';

/** Types that go in and out of LiteRT.js, which refuses int8. */
const BORDERS = ['uint8', 'float32'];

/**
 * @param {import('../contract/contract.js').Contract} contract @param {import('./flatbuffer.js').Border} border
 * @throws {UserError} where they differ, for a quantized tensor without a scale, and for int8 at the border.
 */
export function checkTensors(contract, border) {
  const { height, width, channels } = contract.preprocessing;
  const { batch, inputType, outputType } = contract;
  const expected = [{ type: inputType, shape: [batch, height, width, channels] }];
  if (shown(border.inputs) !== shown(expected)) throw differs(`an input of ${shown(expected)}`, shown(border.inputs));
  const shapes = outputShapes(contract);
  if (shapes === null) {
    const advice = 'convert the model again';
    throw new UserError(`a contract that says what the outputs of a model for ${contract.task} are`, 'one of format 1', advice);
  }
  const outputs = shapes.map((shape) => ({ type: outputType, shape }));
  if (shown(border.outputs) !== shown(outputs)) throw differs(`outputs of ${shown(outputs)}`, shown(border.outputs));
  for (const info of [...border.inputs, ...border.outputs]) {
    if (info.type !== 'float32' && !(info.scale > 0 && info.scale < Infinity)) {
      throw new UserError(`a scale for each ${info.type} tensor`, `${info.scale}`, ADVICE);
    }
  }
  for (const type of [inputType, outputType]) {
    if (BORDERS.includes(type)) continue;
    const advice = 'make the file for browsers with: tformer convert MODEL --int8 --io pixels';
    throw new UserError("a model with inputs and outputs of uint8 or float32, which a browser's LiteRT takes", type, advice);
  }
}

/** @param {{type: string, shape: number[]}[]} tensors */
const shown = (tensors) => tensors.map(({ type, shape }) => `${type} [${shape.join(', ')}]`).join(', ') || 'none';

/** @param {string} expected @param {string} received */
const differs = (expected, received) =>
  new UserError(`${expected}, as the contract says`, `${received} in the flatbuffer`, ADVICE);
