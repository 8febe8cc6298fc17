/**
 * exp to the last bit, as `tformer_edge/exponential.py`: + − * / alone, each rounded on its own. No two libraries' exp agree in
 * their last bits, so results rest on none.
 */

import { rint } from '../input/input_tensor.js';

/** exp(±LIMIT) are normal numbers, so that the last step is exact. */
export const LIMIT = 708;
const LOG2_E = 1.4426950408889634;
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const TERMS = 13;
const HALVINGS = 64;

const parts = new DataView(new ArrayBuffer(8));

/** 2^k for k from −1022 to 1023, exactly, which Math.pow does not promise. @param {number} k */
function powerOfTwo(k) {
  parts.setUint32(0, (k + 1023) << 20);
  return parts.getFloat64(0);
}

/** exp(x) for x from −708 to 708. @param {number} x */
export function exponential(x) {
  if (!(Math.abs(x) <= LIMIT)) throw new RangeError(`Expected an exponent from -${LIMIT} to ${LIMIT}, received ${x}.`);
  const k = rint(x * LOG2_E);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let y = 1;
  for (let i = TERMS; i >= 1; i--) y = 1 + (y * r) / i;
  return y * powerOfTwo(k);
}

/** 1 / (1 + exp(−x)), of any number. @param {number} x */
export function sigmoid(x) {
  const e = exponential(-Math.min(Math.abs(x), LIMIT));
  return (x >= 0 ? 1 : e) / (1 + e);
}

/** The logit that a score must exceed for its sigmoid to exceed `probability`, over 0 and under 1. @param {number} probability */
export function logit(probability) {
  if (!(probability > 0 && probability < 1)) throw new RangeError(`Expected a probability between 0 and 1, received ${probability}.`);
  let [low, high] = [-LIMIT, LIMIT];
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) * 0.5;
    if (sigmoid(middle) > probability) high = middle;
    else low = middle;
  }
  return low;
}
