/**
 * The resize rule of docs/contract.md: Pillow's antialiased bilinear filter in 22-bit fixed point, rows first, uint8 between. Only
 * a window of the resized picture is computed, and only what that needs is read.
 */

const PRECISION_BITS = 22;
const HALF = 2 ** (PRECISION_BITS - 1);

/**
 * A picture of 8 bits a channel.
 * @typedef {{width: number, height: number, pixels: Uint8Array}} RgbImage pixels: R, G, B of each, row by row.
 * @typedef {{height: number, width: number}} Size
 *
 * @typedef {object} Taps what some pixels of an axis look at.
 * @property {Int32Array} first input of each output pixel. @property {Int32Array} count inputs from there on.
 * @property {number} most @property {Int32Array} coefficients of output x from `x · most` on.
 */

/**
 * @param {RgbImage} image @param {Size} size of the whole resized picture.
 * @param {number} top of the window. @param {number} left @param {Size} window
 * @returns {RgbImage}
 */
export function resize(image, size, top, left, window) {
  const columns = taps(image.width, size.width, left, window.width);
  const rows = taps(image.height, size.height, top, window.height);
  const above = rows.first[0];
  let below = above;
  for (let y = 0; y < window.height; y++) below = Math.max(below, rows.first[y] + rows.count[y]);
  const narrow = alongWidth(image, above, below, columns);
  return { width: window.width, height: window.height, pixels: alongHeight(narrow, 3 * window.width, above, rows) };
}

/**
 * One float64 operation after the other, as the document has them.
 * @param {number} source @param {number} target pixels of the axis. @param {number} start @param {number} length of the window.
 * @returns {Taps}
 */
function taps(source, target, start, length) {
  const scale = source / target;
  const stretch = Math.max(scale, 1);
  const inverse = 1 / stretch;
  const most = Math.ceil(stretch) * 2 + 1;
  const result = { first: new Int32Array(length), count: new Int32Array(length), most, coefficients: new Int32Array(length * most) };
  const weights = new Float64Array(most);
  for (let x = 0; x < length; x++) {
    const centre = (start + x + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - stretch + 0.5));
    const last = Math.min(source, Math.trunc(centre + stretch + 0.5));
    let sum = 0;
    for (let j = first; j < last; j++) {
      weights[j - first] = Math.max(0, 1 - Math.abs((j - centre + 0.5) * inverse));
      sum += weights[j - first];
    }
    for (let j = first; j < last; j++) {
      result.coefficients[x * most + j - first] = Math.trunc(0.5 + (weights[j - first] / sum) * 2 ** PRECISION_BITS);
    }
    result.first[x] = first;
    result.count[x] = last - first;
  }
  return result;
}

/**
 * Rows of `image` from `above` to `below`, that excluded, each at the columns that the taps say.
 * @param {RgbImage} image @param {number} above @param {number} below @param {Taps} taps
 */
function alongWidth(image, above, below, { first, count, most, coefficients }) {
  const width = first.length;
  const source = image.pixels;
  const result = new Uint8Array(3 * width * (below - above));
  let target = 0;
  for (let row = above; row < below; row++) {
    for (let x = 0; x < width; x++) {
      let from = 3 * (row * image.width + first[x]);
      let [red, green, blue] = [HALF, HALF, HALF];
      const end = x * most + count[x];
      for (let tap = x * most; tap < end; tap++, from += 3) {
        // Sums stay under 2³¹ and above 0, and products far below 2⁵³: plain numbers are exact.
        red += coefficients[tap] * source[from];
        green += coefficients[tap] * source[from + 1];
        blue += coefficients[tap] * source[from + 2];
      }
      result[target++] = clipped(red);
      result[target++] = clipped(green);
      result[target++] = clipped(blue);
    }
  }
  return result;
}

/**
 * Columns of `source`, whose rows have `stride` bytes and begin at row `above` of the picture.
 * @param {Uint8Array} source @param {number} stride @param {number} above @param {Taps} taps
 */
function alongHeight(source, stride, above, { first, count, most, coefficients }) {
  const result = new Uint8Array(stride * first.length);
  const sums = new Float64Array(stride);
  for (let y = 0; y < first.length; y++) {
    sums.fill(HALF);
    for (let tap = 0; tap < count[y]; tap++) {
      const coefficient = coefficients[y * most + tap];
      const line = (first[y] - above + tap) * stride;
      for (let index = 0; index < stride; index++) sums[index] += coefficient * source[line + index];
    }
    for (let index = 0; index < stride; index++) result[y * stride + index] = clipped(sums[index]);
  }
  return result;
}

/** Only the rounding of coefficients, which add up to about 2²², can exceed 255. @param {number} sum */
const clipped = (sum) => Math.min(255, sum >> PRECISION_BITS);
