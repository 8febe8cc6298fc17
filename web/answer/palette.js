/** Colours to draw classes in, as `tformer_edge/palette.py`: neighbours differ, and none is near black or white. */

/** The golden ratio's fraction: hues of consecutive classes stand far apart however many there are. */
const TURN = 0.618033988749895;
const SHADES = [[0.9, 0.95], [0.6, 0.8], [0.75, 0.6]];

/**
 * Red, green, blue of each class, 0 to 255: the contract's own, or ours.
 * @param {import('../contract/contract.js').Contract} contract @returns {number[][]}
 */
export function palette(contract) {
  return contract.colours.length ? contract.colours : Array.from({ length: contract.labelCount }, (_, index) => colour(index));
}

/** @param {number} index of a class, from 0. */
export function colour(index) {
  const [saturation, value] = SHADES[index % 3];
  const hue = ((0.02 + index * TURN) % 1) * 6;
  const part = Math.floor(hue);
  const p = value * (1 - saturation);
  const q = value * (1 - saturation * (hue - part));
  const t = value * (1 - saturation * (1 - (hue - part)));
  const rgb = [[value, t, p], [q, value, p], [p, value, t], [p, q, value], [t, p, value], [value, p, q]][part % 6];
  return rgb.map((one) => Math.round(255 * one));
}

/** 'black' or 'white', whichever is the more legible on that ground (luma of BT.601). @param {number[]} ground */
export function textOn([red, green, blue]) {
  return 299 * red + 587 * green + 114 * blue > 140_000 ? 'black' : 'white';
}
